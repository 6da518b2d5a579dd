// The operator ReluConvNorm.
#include "unit.h"

static void project(void *argument, size_t i) {
  unit *u = argument;
  float *d = unit_take(u, u->planes * u->step + unit_scratch(u)), *p = u->p + i * u->out * u->step;
  if (d == NULL) return;
  unit_spread(u, i, d, d + u->planes * u->step);
  unit_mix(u, d, p);
  for (size_t c = 0; c < u->out; c++) {
    size_t at = i * u->out + c;
    u->dense->moments(p + c * u->step, u->px, &u->first[at], &u->second[at]);
  }
  work_give(d);
}

static void normalize(void *argument, size_t i) {
  const unit *u = argument;
  for (size_t c = 0; c < u->out; c++) {
    size_t at = i * u->out + c, y = at * u->px;
    u->dense->affine(u->y + y, u->p + at * u->step, u->mean[c], u->coefficient[c],
                     u->bias == NULL ? 0 : u->bias[c], u->add == NULL ? NULL : u->add + y, u->px);
  }
}

// run computes Y. Work holds the moments of every plane in double, 3 numbers per channel, and P.
static ort_status run(unit *u, float *work) {
  size_t planes = u->batch * u->out;
  int64_t channels = (int64_t)u->out;
  float *out = NULL;
  u->first = (double *)work;
  u->second = u->first + planes;
  float *mean = work + 4 * planes, *variance = mean + u->out;
  u->coefficient = variance + u->out;
  u->p = work + unit_align(4 * planes + 3 * u->out);
  TRY(unit_parallel(u, project));
  norm_moments(u->first, u->second, u->batch, u->out, u->px, mean, variance);
  for (size_t c = 0; c < u->out; c++)
    u->coefficient[c] = unit_scale(u, c) * norm_inverse(variance[c], u->epsilon);
  u->mean = mean;
  TRY(op_output(u->k, u->context, 1, 1, &channels, &out));
  for (size_t c = 0; out != NULL && c < u->out; c++) out[c] = mean[c];
  TRY(op_output(u->k, u->context, 2, 1, &channels, &out));
  for (size_t c = 0; out != NULL && c < u->out; c++) out[c] = variance[c];
  return unit_parallel(u, normalize);
}

// Inputs X, W[out,in], V[in,k,k] (both [out/2,in] in a factorised reduction), scale[1 or out], bias[out], add; the last four are optional.
// Outputs Y, mean[out], variance[out].
static ort_status compute(void *kernel, void *context) {
  const op_kernel *k = kernel;
  unit u = {0};
  tensor x, bias, add;
  TRY(unit_read(&u, k, context, 0, 1, 2, 3, 5, &x));
  TRY(op_input(k, context, 4, &bias));
  TRY(op_addend(k, context, 5, &add));
  if (bias.data != NULL && bias.elements != u.out)
    return op_fail(k, "unit: %zu biases for %zu channels", bias.elements, u.out);
  if (add.data != NULL && add.elements != u.batch * u.out * u.px)
    return op_fail(k, "unit: the addend has %zu elements", add.elements);
  u.bias = bias.data;
  int64_t dims[4] = {x.dims[0], (int64_t)u.out, u.shape.oh, u.shape.ow};
  TRY(op_output(k, context, 0, 4, dims, &u.y));
  size_t planes = u.batch * u.out;
  float *work = work_take(unit_align(4 * planes + 3 * u.out) + planes * u.step);
  if (work == NULL) return op_fail(k, "unit: out of memory");
  ort_status s = run(&u, work);
  work_give(work);
  return s;
}

ADDEND(unit, 5)

const op_def zos_relu_conv_norm = {.op = OP_COMMON(may_add_unit, add_unit, compute), ZOS_RELU_CONV_NORM};
