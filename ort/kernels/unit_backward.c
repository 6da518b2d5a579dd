// The operator ReluConvNormGrad.
#include "unit.h"

#include <string.h>

static float *take(unit *u, size_t floats) {
  float *work = work_take(floats);
  if (work == NULL) __atomic_store_n(&u->failed, 1, __ATOMIC_RELAXED);
  return work;
}

// project computes D, P and the slopes of sample i.
static void project(void *argument, size_t i) {
  unit *u = argument;
  float *p = u->p + i * u->out * u->step, *d = u->d + i * u->in * u->step;
  float *scratch = u->shape.k == 0 ? NULL : take(u, u->forward->forward_scratch(&u->shape));
  if (u->failed) return;
  unit_project(u, i, d, p, scratch);
  for (size_t c = 0; c < u->out; c++) {
    size_t at = i * u->out + c;
    u->dense->slopes(u->dy + at * u->px, p + c * u->step, u->mean[c], u->px, &u->first[at],
                     &u->second[at]);
  }
  work_give(scratch);
}

// depthwise pulls dD of sample i back to V and X.
static void depthwise(const unit *u, size_t i, const float *dd, float *plane, float *scratch) {
  size_t taps = (size_t)u->shape.k * u->shape.k, image = i * u->in * u->pixels;
  if (u->back->pull_scratch(&u->shape) > 0) {
    dw_pull q = {.dy = dd, .x = u->x + image, .w = u->v, .dy_step = u->step, .channels = u->in,
                 .add = u->add == NULL ? NULL : u->add + image,
                 .dx = u->dx == NULL ? NULL : u->dx + image,
                 .dw = u->dv == NULL ? NULL : u->dv + i * u->in * taps};
    u->back->pull(&u->shape, &q, scratch);
    return;
  }
  for (size_t c = 0; c < u->in; c++) {
    size_t at = image + c * u->pixels;
    const float *ddc = dd + c * u->step;
    if (u->dv != NULL)
      u->forward->weight(&u->shape, ddc, 0, u->x + at, 0, true, 1,
                         u->dv + (i * u->in + c) * taps, scratch);
    if (u->dx == NULL) continue;
    dw_planes q = {.in = ddc, .w = u->v + c * taps, .out = plane, .channels = 1, .to = 1};
    u->back->input(&u->shape, &q, scratch);
    u->dense->mask(u->dx + at, plane, u->x + at, u->add == NULL ? NULL : u->add + at, u->pixels);
  }
}

// pull turns D into dD and pulls dP back to V and X.
static void pull(const unit *u, size_t i, const float *dp, float *d, float *plane, float *scratch) {
  u->dense->product(u->in, u->out, u->row, u->turned, u->out, dp, d, u->step);
  if (u->shape.k > 0) {
    depthwise(u, i, d, plane, scratch);
    return;
  }
  for (size_t c = 0; u->dx != NULL && c < u->in; c++) {
    size_t at = (i * u->in + c) * u->pixels;
    u->dense->mask(u->dx + at, d + c * u->step, u->x + at, u->add == NULL ? NULL : u->add + at,
                   u->pixels);
  }
}

// backward turns P of sample i into dP, and pulls it back.
static void backward(void *argument, size_t i) {
  unit *u = argument;
  float *p = u->p + i * u->out * u->step, *d = u->d + i * u->in * u->step;
  for (size_t c = 0; c < u->out; c++) {
    const float *k = u->coefficient + 3 * c;
    float *row = p + c * u->step;
    u->dense->blend(row, u->dy + (i * u->out + c) * u->px, row, u->mean[c], k[0], k[1], k[2], NULL,
                    u->px);
    memset(row + u->px, 0, sizeof(float) * (u->row - u->px));
  }
  size_t plane = unit_align(u->pixels), most = u->in * u->step;
  if (u->shape.k > 0) {
    size_t weight = u->forward->weight_scratch(&u->shape);
    size_t input = u->back->input_scratch(&u->shape), both = u->back->pull_scratch(&u->shape);
    most = weight > most ? weight : most;
    most = input > most ? input : most;
    most = both > most ? both : most;
  }
  float *work = take(u, plane + most);
  if (work == NULL) return;
  if (u->dw != NULL)
    u->dense->outer(u->out, u->in, u->row, p, d, u->step, u->dw + i * u->out * u->in, work);
  if (u->dx != NULL || u->dv != NULL) pull(u, i, p, d, work, work + plane);
  work_give(work);
}

// coefficients combines the slopes, and writes the gradients of scale and bias.
static void coefficients(unit *u, float *dscale, float *dbias) {
  double all = 0;
  for (size_t c = 0; c < u->out; c++) {
    norm_gradient g = norm_slopes(u->first, u->second, u->batch, u->out, c, u->px, u->variance[c],
                                  u->epsilon, unit_scale(u, c));
    float *k = u->coefficient + 3 * c;
    k[0] = g.k0;
    k[1] = g.k1;
    k[2] = g.k2;
    all += g.dscale;
    if (dscale != NULL && u->each) dscale[c] = (float)g.dscale;
    if (dbias != NULL) dbias[c] = (float)g.dbias;
  }
  if (dscale != NULL && !u->each) dscale[0] = (float)all;
}

// layout holds the positions of things in working memory, in floats.
typedef struct {
  size_t first, coefficient, turned, dw, dv, d, p, end;
} layout;

static layout layout_of(const unit *u, bool dw, bool dv) {
  layout l = {0};
  size_t taps = (size_t)u->shape.k * u->shape.k;
  l.coefficient = unit_align(4 * u->batch * u->out);
  l.turned = l.coefficient + unit_align(3 * u->out);
  l.dw = l.turned + unit_align(u->in * u->out);
  l.dv = l.dw + (dw ? unit_align(u->batch * u->in * u->out) : 0);
  l.d = l.dv + (dv ? unit_align(u->batch * u->in * taps) : 0);
  l.p = l.d + u->batch * u->in * u->step;
  l.end = l.p + u->batch * u->out * u->step;
  return l;
}

static ort_status run(unit *u, const layout *l, float *work, float *dw, float *dv, float *dscale,
                      float *dbias) {
  u->first = (double *)(work + l->first);
  u->second = u->first + u->batch * u->out;
  u->coefficient = work + l->coefficient;
  u->turned = work + l->turned;
  u->dw = dw == NULL ? NULL : work + l->dw;
  u->dv = dv == NULL ? NULL : work + l->dv;
  u->d = work + l->d;
  u->p = work + l->p;
  for (size_t o = 0; o < u->out; o++) {
    for (size_t c = 0; c < u->in; c++) u->turned[c * u->out + o] = u->w[o * u->in + c];
  }
  TRY(unit_parallel(u, project));
  coefficients(u, dscale, dbias);
  if (u->dx == NULL && dw == NULL && dv == NULL) return NULL;
  TRY(unit_parallel(u, backward));
  if (dw != NULL) u->dense->sum(dw, u->dw, u->batch, u->in * u->out);
  if (dv != NULL) u->dense->sum(dv, u->dv, u->batch, u->in * u->shape.k * u->shape.k);
  return NULL;
}

// Inputs dY, X, mean[out], variance[out], W[out,in], V[in,k,k], scale[1 or out], add; the last
// three are optional. Outputs dX + add, dW[out in], dV[in k k], dscale, dbias[out], each optional.
static ort_status compute(void *kernel, void *context) {
  const op_kernel *k = kernel;
  unit u = {0};
  tensor x, dy, mean, variance, add;
  TRY(unit_read(&u, k, context, 1, 4, 5, 6, 7, &x));
  TRY(op_input(k, context, 0, &dy));
  TRY(op_input(k, context, 2, &mean));
  TRY(op_input(k, context, 3, &variance));
  TRY(op_addend(k, context, 7, &add));
  if (dy.elements != u.batch * u.out * u.px || mean.elements != u.out || variance.elements != u.out)
    return op_fail(k, "unit: dY has %zu elements, the statistics %zu", dy.elements, mean.elements);
  if (add.data != NULL && add.elements != x.elements)
    return op_fail(k, "unit: the addend has %zu elements, X %zu", add.elements, x.elements);
  u.dy = dy.data;
  u.mean = mean.data;
  u.variance = variance.data;
  float *dw, *dv = NULL, *dscale, *dbias;
  int64_t nw = (int64_t)(u.in * u.out), nv = (int64_t)u.in * u.shape.k * u.shape.k;
  int64_t channels = (int64_t)u.out, scales = u.each ? channels : 1;
  TRY(op_output(k, context, 0, 4, x.dims, &u.dx));
  TRY(op_output(k, context, 1, 1, &nw, &dw));
  if (nv > 0) TRY(op_output(k, context, 2, 1, &nv, &dv));
  TRY(op_output(k, context, 3, 1, &scales, &dscale));
  TRY(op_output(k, context, 4, 1, &channels, &dbias));
  layout l = layout_of(&u, dw != NULL, dv != NULL);
  float *work = work_take(l.end);
  if (work == NULL) return op_fail(k, "unit: out of memory for %zu floats", l.end);
  ort_status s = run(&u, &l, work, dw, dv, dscale, dbias);
  work_give(work);
  return s;
}

ADDEND(unit, 7)

const op_def zos_relu_conv_norm_grad = {.op = OP_COMMON(may_add_unit, add_unit, compute), ZOS_RELU_CONV_NORM_GRAD};
