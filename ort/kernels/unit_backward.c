// The operator ReluConvNormGrad.
#include "unit.h"

#include <string.h>

// projected is a plane of P, or of Y where that is known, and center what is taken from channel c there.
static const float *projected(const unit *u, size_t plane) {
  return u->known == NULL ? u->p + plane * u->step : u->known + plane * u->px;
}
static float center(const unit *u, size_t c) { return u->known == NULL ? u->mean[c] : 0; }

// measure computes the slopes, and before that D and P unless Y is known.
static void measure(unit *u, size_t i, size_t n) {
  size_t image = u->planes * u->step;
  size_t own = u->d == NULL ? n * image : 0;
  float *work = NULL;
  if (u->known == NULL) {
    work = unit_take(u, own + unit_scratch(u));
    if (work == NULL) return;
    float *d = own > 0 ? work : u->d + i * image;
    unit_spread(u, i, n, d, work + own);
    unit_mix(u, n, d, u->p + i * u->out * u->step);
  }
  for (size_t at = i * u->out; at < (i + n) * u->out;) {
    for (size_t c = 0; c < u->out; c++, at++) {
      u->dense->slopes(u->dy + at * u->px, projected(u, at), center(u, c), u->px, &u->first[at], &u->second[at]);
      if (u->known != NULL) u->second[at] /= norm_inverse(u->variance[c], u->epsilon);
    }
  }
  work_give(work);
}

// depthwise pulls dD of a task back to V and X.
static void depthwise(const unit *u, size_t i, size_t n, const float *dd, float *planes, float *scratch) {
  size_t taps = (size_t)u->shape.k * u->shape.k, image = i * u->in * u->pixels;
  float *dv = u->dv == NULL ? NULL : u->dv + i / u->group * u->in * taps;
  const float *add = u->add == NULL ? NULL : u->add + image;
  if (u->back->pull_scratch(&u->shape) > 0) {
    dw_pull q = {.dy = dd, .x = u->x + image, .w = u->v, .dy_step = u->step, .channels = u->in, .images = n,
                 .add = add, .dx = u->dx == NULL ? NULL : u->dx + image, .dw = dv};
    u->back->pull(&u->shape, &q, scratch);
    return;
  }
  for (size_t c = 0; dv != NULL && c < u->in; c++)
    u->forward->weight(&u->shape, dd + c * u->step, u->in * u->step, u->x + image + c * u->pixels,
                       u->in * u->pixels, true, n, dv + c * taps, scratch);
  if (u->dx == NULL) return;
  dw_planes q = {.in = dd, .w = u->v, .out = planes, .in_step = u->step, .out_step = u->pixels,
                 .channels = u->in, .to = n * u->in};
  u->back->input(&u->shape, &q, scratch);
  u->dense->mask(u->dx + image, planes, u->x + image, add, n * u->in * u->pixels);
}

// weigh computes the parts of n samples from sample i on in dW, and in dV of a factorised reduction.
static void weigh(const unit *u, size_t i, size_t n, const float *dp, const float *d, float *scratch) {
  size_t m = unit_rows(u);
  for (size_t j = 0; j < n; j++, dp += u->out * u->step, d += u->planes * u->step) {
    size_t at = (i + j) * m * u->in;
    if (u->dw != NULL) u->dense->outer(m, u->in, u->row, dp, d, u->step, u->dw + at, scratch);
    if (u->halves && u->dv != NULL)
      u->dense->outer(m, u->in, u->row, dp + m * u->step, d + u->in * u->step, u->step, u->dv + at, scratch);
  }
}

// unmix turns dP of n samples into dD.
static void unmix(const unit *u, size_t n, const float *dp, float *dd) {
  size_t m = unit_rows(u);
  for (size_t j = 0; j < n; j++, dp += u->out * u->step, dd += u->planes * u->step) {
    u->dense->product(u->in, m, u->row, u->turned, m, dp, dd, u->step);
    if (u->halves)
      u->dense->product(u->in, m, u->row, u->turned + u->in * m, m, dp + m * u->step, dd + u->in * u->step, u->step);
  }
}

// pull turns dP of a task into dD and pulls that back to V and X.
static void pull(const unit *u, size_t i, size_t n, const float *dp, float *dd, float *planes, float *scratch) {
  unmix(u, n, dp, dd);
  if (u->shape.k > 0) {
    depthwise(u, i, n, dd, planes, scratch);
    return;
  }
  for (size_t j = 0; u->dx != NULL && j < n; j++) {
    for (size_t c = 0; c < u->in; c++) {
      size_t at = ((i + j) * u->in + c) * u->pixels;
      const float *add = u->add == NULL ? NULL : u->add + at, *from = dd + (j * u->planes + c) * u->step;
      if (u->halves)
        u->dense->unpick(u->dx + at, from, from + u->in * u->step, u->x + at, add, (size_t)u->shape.h,
                         (size_t)u->shape.w);
      else
        u->dense->mask(u->dx + at, from, u->x + at, add, u->pixels);
    }
  }
}

// weighs reports whether the products with D are wanted: those give dW, and dV of a factorised reduction.
static bool weighs(const unit *u) { return u->dw != NULL || (u->halves && u->dv != NULL); }

// pulls reports whether dD is wanted.
static bool pulls(const unit *u) { return u->dx != NULL || (!u->halves && u->dv != NULL); }

// most is the larger.
static size_t most(size_t a, size_t b) { return a > b ? a : b; }

// scratch_of is the size of scratch for pulling back.
static size_t scratch_of(const unit *u) {
  size_t size = most(u->in * u->step, unit_scratch(u));
  if (u->shape.k == 0) return size;
  size = most(size, u->forward->weight_scratch(&u->shape));
  return most(size, most(u->back->input_scratch(&u->shape), u->back->pull_scratch(&u->shape)));
}

// unmasked reports whether dX is made before it is set to zero where X is not positive.
static bool unmasked(const unit *u) { return u->shape.k > 0 && u->dx != NULL && u->back->pull_scratch(&u->shape) == 0; }

// backward turns P, or Y, into dP, and pulls it back.
static void backward(unit *u, size_t i, size_t n) {
  size_t image = u->planes * u->step;
  size_t own = u->d == NULL ? n * image : 0, own_p = u->p == NULL ? n * u->out * u->step : 0;
  size_t planes = unmasked(u) ? unit_align(n * u->in * u->pixels) : 0;
  float *work = unit_take(u, own + own_p + planes + scratch_of(u));
  if (work == NULL) return;
  float *d = own > 0 ? work : u->d + i * image, *dp = own_p > 0 ? work + own : u->p + i * u->out * u->step;
  float *scratch = work + own + own_p;
  for (size_t at = i * u->out, j = 0; j < n; j++) {
    for (size_t c = 0; c < u->out; c++, at++) {
      const float *k = u->coefficient + 3 * c;
      float *to = dp + (j * u->out + c) * u->step;
      u->dense->blend(to, u->dy + at * u->px, projected(u, at), center(u, c), k[0], k[1], k[2], NULL, u->px);
      if (u->row > u->px) memset(to + u->px, 0, sizeof(float) * (u->row - u->px));
    }
  }
  if (weighs(u)) {
    if (own > 0) unit_spread(u, i, n, d, scratch);
    weigh(u, i, n, dp, d, scratch);
  }
  if (pulls(u)) pull(u, i, n, dp, d, scratch, scratch + planes);
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
    k[2] = u->known == NULL ? g.k2 : g.k2 / norm_inverse(u->variance[c], u->epsilon);
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

// parts is the number of parts of dV.
static size_t parts(const unit *u) { return u->halves ? u->batch : u->tasks; }

// layout_of makes room for D of all samples only where it is read twice and takes a convolution to make again, and for
// P unless Y is known.
static layout layout_of(const unit *u, size_t dw, size_t dv, bool again) {
  layout l = {0};
  l.coefficient = unit_align(4 * u->batch * u->out);
  l.turned = l.coefficient + unit_align(3 * u->out);
  l.dw = l.turned + unit_align(u->in * u->out);
  l.dv = l.dw + unit_align(u->batch * dw);
  l.d = l.dv + unit_align(parts(u) * dv);
  l.p = l.d + (again ? u->batch * u->planes * u->step : 0);
  l.end = l.p + (u->known == NULL ? u->batch * u->out * u->step : 0);
  return l;
}

// turn writes the transpose of w[m,in] to t.
static void turn(const unit *u, const float *w, size_t m, float *t) {
  for (size_t o = 0; o < m; o++) {
    for (size_t c = 0; c < u->in; c++) t[c * m + o] = w[o * u->in + c];
  }
}

static ort_status run(unit *u, const layout *l, float *work, size_t nw, size_t nv, float *dw, float *dv,
                      float *dscale, float *dbias) {
  size_t m = unit_rows(u);
  u->first = (double *)work;
  u->second = u->first + u->batch * u->out;
  u->coefficient = work + l->coefficient;
  u->turned = work + l->turned;
  u->dw = dw == NULL ? NULL : work + l->dw;
  u->dv = dv == NULL ? NULL : work + l->dv;
  u->d = l->p > l->d ? work + l->d : NULL;
  u->p = l->end > l->p ? work + l->p : NULL;
  turn(u, u->w, m, u->turned);
  if (u->halves) turn(u, u->v, m, u->turned + u->in * m);
  TRY(unit_parallel(u, measure));
  coefficients(u, dscale, dbias);
  if (u->dx == NULL && dw == NULL && dv == NULL) return NULL;
  TRY(unit_parallel(u, backward));
  if (dw != NULL) u->dense->sum(dw, u->dw, u->batch, nw);
  if (dv != NULL) u->dense->sum(dv, u->dv, parts(u), nv);
  return NULL;
}

// Inputs dY, X, mean[out], variance[out], W[out,in], V[in,k,k] (both [out/2,in] in a factorised
// reduction), scale[1 or out], add, Y; the last four are optional. Outputs dX + add, dW, dV, dscale,
// dbias[out], each optional. Y of a unit without scale, bias and addend is (P - mean) / sqrt(var +
// epsilon), so that P need not be computed again.
static ort_status compute(void *kernel, void *context) {
  const op_kernel *k = kernel;
  unit u = {0};
  tensor x, dy, mean, variance, add, known;
  TRY(unit_read(&u, k, context, 1, 4, 5, 6, 7, &x));
  TRY(op_input(k, context, 0, &dy));
  TRY(op_input(k, context, 2, &mean));
  TRY(op_input(k, context, 3, &variance));
  TRY(op_addend(k, context, 7, &add));
  TRY(op_input(k, context, 9, &known));
  if (dy.elements != u.batch * u.out * u.px || mean.elements != u.out || variance.elements != u.out)
    return op_fail(k, "unit: dY has %zu elements, the statistics %zu", dy.elements, mean.elements);
  if (add.data != NULL && add.elements != x.elements)
    return op_fail(k, "unit: the addend has %zu elements, X %zu", add.elements, x.elements);
  if (known.data != NULL && (known.elements != dy.elements || u.scale != NULL))
    return op_fail(k, "unit: Y has %zu elements, dY %zu, and no scale may be given", known.elements, dy.elements);
  u.known = known.data;
  u.dy = dy.data;
  u.mean = mean.data;
  u.variance = variance.data;
  float *dw, *dv = NULL, *dscale, *dbias;
  int64_t nw = (int64_t)(u.out * u.in), nv = (int64_t)u.in * u.shape.k * u.shape.k;
  if (u.halves) nv = nw /= 2;
  int64_t channels = (int64_t)u.out, scales = u.each ? channels : 1;
  TRY(op_output(k, context, 0, 4, x.dims, &u.dx));
  TRY(op_output(k, context, 1, 1, &nw, &dw));
  if (nv > 0) TRY(op_output(k, context, 2, 1, &nv, &dv));
  TRY(op_output(k, context, 3, 1, &scales, &dscale));
  TRY(op_output(k, context, 4, 1, &channels, &dbias));
  bool again = u.known == NULL && dw != NULL && u.shape.k > 0;
  layout l = layout_of(&u, dw == NULL ? 0 : (size_t)nw, dv == NULL ? 0 : (size_t)nv, again);
  float *work = work_take(l.end);
  if (work == NULL) return op_fail(k, "unit: out of memory for %zu floats", l.end);
  ort_status s = run(&u, &l, work, (size_t)nw, (size_t)nv, dw, dv, dscale, dbias);
  work_give(work);
  return s;
}

ADDEND(unit, 7)

const op_def zos_relu_conv_norm_grad = {.op = OP_COMMON(may_add_unit, add_unit, compute), ZOS_RELU_CONV_NORM_GRAD};
