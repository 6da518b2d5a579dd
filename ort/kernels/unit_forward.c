// The operator ReluConvNorm.
#include "unit.h"

#include <string.h>

static void project(unit *u, size_t i, size_t n) {
  size_t all = n * u->planes * u->step;
  float *d = unit_take(u, all + unit_scratch(u)), *p = u->p + i * u->out * u->step;
  if (d == NULL) return;
  unit_spread(u, i, n, d, d + all);
  unit_mix(u, n, d, p);
  for (size_t c = 0; c < n * u->out; c++) {
    size_t at = i * u->out + c;
    u->dense->moments(p + c * u->step, u->px, &u->first[at], &u->second[at]);
  }
  work_give(d);
}

// finish computes Y of n samples from sample i on from P.
static void finish(const unit *u, size_t i, size_t n, const float *p) {
  for (size_t y = i * u->out * u->px; n > 0; n--) {
    for (size_t c = 0; c < u->out; c++, y += u->px, p += u->step)
      u->dense->affine(u->y + y, p, u->mean[c], u->coefficient[c], u->bias == NULL ? 0 : u->bias[c],
                       u->add == NULL ? NULL : u->add + y, u->px);
  }
}

static void normalize(unit *u, size_t i, size_t n) { finish(u, i, n, u->p + i * u->out * u->step); }

// at_once computes Y where the statistics are known.
static void at_once(unit *u, size_t i, size_t n) {
  size_t d = n * u->planes * u->step, p = n * u->out * u->step;
  float *work = unit_take(u, d + p + unit_scratch(u));
  if (work == NULL) return;
  unit_spread(u, i, n, work, work + d + p);
  unit_mix(u, n, work, work + d);
  finish(u, i, n, work + d);
  work_give(work);
}

// copy writes n numbers to output i, if it is wanted.
static ort_status copy(const unit *u, size_t i, const float *from) {
  int64_t n = (int64_t)u->out;
  float *out = NULL;
  TRY(op_output(u->k, u->context, i, 1, &n, &out));
  if (out != NULL) memcpy(out, from, sizeof(float) * u->out);
  return NULL;
}

// run computes Y. Work holds 3 numbers per channel and, unless the statistics are known, the moments of
// every plane in double, and P.
static ort_status run(unit *u, float *work) {
  size_t planes = u->batch * u->out;
  bool known = u->mean != NULL;
  float *mean = work, *variance = mean + u->out;
  u->coefficient = variance + u->out;
  if (!known) {
    u->first = (double *)(work + unit_align(3 * u->out));
    u->second = u->first + planes;
    u->p = work + unit_align(3 * u->out) + unit_align(4 * planes);
    TRY(unit_parallel(u, project));
    norm_moments(u->first, u->second, u->batch, u->out, u->px, mean, variance);
    u->mean = mean;
    u->variance = variance;
  }
  for (size_t c = 0; c < u->out; c++)
    u->coefficient[c] = unit_scale(u, c) * norm_inverse(u->variance[c], u->epsilon);
  TRY(copy(u, 1, u->mean));
  TRY(copy(u, 2, u->variance));
  return unit_parallel(u, known ? at_once : normalize);
}

// Inputs X, W[out,in], V[in,k,k] (both [out/2,in] in a factorised reduction), scale[1 or out],
// bias[out], add, mean[out], variance[out]; all but two are optional. Mean and variance, if they are known,
// are those that it computes otherwise.
// Outputs Y, mean[out], variance[out].
static ort_status compute(void *kernel, void *context) {
  const op_kernel *k = kernel;
  unit u = {0};
  tensor x, bias, add, mean, variance;
  TRY(unit_read(&u, k, context, 0, 1, 2, 3, 5, &x));
  TRY(op_input(k, context, 4, &bias));
  TRY(op_addend(k, context, 5, &add));
  if (bias.data != NULL && bias.elements != u.out)
    return op_fail(k, "unit: %zu biases for %zu channels", bias.elements, u.out);
  if (add.data != NULL && add.elements != u.batch * u.out * u.px)
    return op_fail(k, "unit: the addend has %zu elements", add.elements);
  TRY(op_input(k, context, 7, &mean));
  TRY(op_input(k, context, 8, &variance));
  if ((mean.data == NULL) != (variance.data == NULL) ||
      (mean.data != NULL && (mean.elements != u.out || variance.elements != u.out)))
    return op_fail(k, "unit: %zu means and %zu variances for %zu channels", mean.elements,
                   variance.elements, u.out);
  u.bias = bias.data;
  u.mean = mean.data;
  u.variance = variance.data;
  int64_t dims[4] = {x.dims[0], (int64_t)u.out, u.shape.oh, u.shape.ow};
  TRY(op_output(k, context, 0, 4, dims, &u.y));
  size_t planes = u.mean == NULL ? u.batch * u.out : 0;
  float *work = work_take(unit_align(3 * u.out) + unit_align(4 * planes) + planes * u.step);
  if (work == NULL) return op_fail(k, "unit: out of memory");
  ort_status s = run(&u, work);
  work_give(work);
  return s;
}

ADDEND(unit, 5)

const op_def zos_relu_conv_norm = {.op = OP_COMMON(may_add_unit, add_unit, compute), ZOS_RELU_CONV_NORM};
