// The operators Normalize and NormalizeGrad on a GPU; see normalize.c.
#include "device.h"

enum { most_parts = 32 };

// arguments reads images P, the scale and the addend, and counts the blocks for each channel.
static ort_status arguments(const op_kernel *k, const tensor *x, const tensor *scale, const tensor *add,
                            zos_arguments *a) {
  if (x->rank != 4 || x->elements == 0) return op_fail(k, "normalize: X must be NCHW, not empty");
  size_t channels = (size_t)x->dims[1];
  TRY(device_count(k, x->elements, channels));
  if (scale->data != NULL && scale->elements != 1 && scale->elements != channels)
    return op_fail(k, "normalize: %zu scales for %zu channels", scale->elements, channels);
  if (add->data != NULL && add->elements != x->elements)
    return op_fail(k, "normalize: the addend has %zu elements, X %zu", add->elements, x->elements);
  *a = (zos_arguments){.p = x->data, .scale = scale->data, .add = add->data,
      .batch = (int)x->dims[0], .out = (int)channels, .oh = (int)x->dims[2], .ow = (int)x->dims[3], .n = (int)x->elements, .epsilon = k->real,
      .each = scale->data != NULL && scale->elements > 1};
  a->blocks = (int)device_least((size_t)a->batch, most_parts);
  return NULL;
}

static ort_status forward(void *kernel, void *context) {
  const op_kernel *k = kernel;
  zos_arguments a;
  tensor x, scale, bias, add;
  TRY(op_input(k, context, 0, &x));
  TRY(op_input(k, context, 1, &scale));
  TRY(op_input(k, context, 2, &bias));
  TRY(op_addend(k, context, 3, &add));
  TRY(arguments(k, &x, &scale, &add, &a));
  size_t channels = (size_t)a.out, parts = 3 * (size_t)a.blocks * channels;
  if (bias.data != NULL && bias.elements != channels)
    return op_fail(k, "normalize: %zu biases for %zu channels", bias.elements, channels);
  int64_t c = a.out;
  float *work;
  TRY(op_output(k, context, 0, 4, x.dims, &a.y));
  TRY(op_output(k, context, 1, 1, &c, &a.mean));
  TRY(op_output(k, context, 2, 1, &c, &a.variance));
  TRY(device_scratch(k, parts + 2 * channels, &work));
  float *scratch = work;
  a.bias = bias.data;
  a.parts = device_take(&scratch, parts);
  float *mean = device_take(&scratch, channels);
  if (a.mean == NULL) a.mean = mean;
  if (a.variance == NULL) a.variance = scratch;
  ort_status s = device_launch(k, context, "zos_moments", (size_t)a.blocks, channels, &a);
  if (s == NULL) s = device_launch(k, context, "zos_normalize", device_blocks(x.elements), 1, &a);
  device_give(work);
  return s;
}

static ort_status gradient(void *kernel, void *context) {
  const op_kernel *k = kernel;
  zos_arguments a;
  tensor dy, x, mean, variance, scale, add;
  TRY(op_input(k, context, 0, &dy));
  TRY(op_input(k, context, 1, &x));
  TRY(op_input(k, context, 2, &mean));
  TRY(op_input(k, context, 3, &variance));
  TRY(op_input(k, context, 4, &scale));
  TRY(op_addend(k, context, 5, &add));
  TRY(arguments(k, &x, &scale, &add, &a));
  size_t channels = (size_t)a.out, parts = 3 * (size_t)a.blocks * channels;
  if (dy.elements != x.elements || mean.elements != channels || variance.elements != channels)
    return op_fail(k, "normalize: dY or the statistics do not fit X of %zu elements", x.elements);
  int64_t c = a.out, scales = a.each ? c : 1;
  float *work;
  TRY(op_output(k, context, 0, 4, x.dims, &a.y));
  TRY(op_output(k, context, 1, 1, &scales, &a.dscale));
  TRY(op_output(k, context, 2, 1, &c, &a.dbias));
  TRY(device_scratch(k, parts + 4 * channels, &work));
  float *scratch = work;
  a.dy = dy.data;
  a.mean = mean.data;
  a.variance = variance.data;
  a.backward = 1;
  a.parts = device_take(&scratch, parts);
  a.k = device_take(&scratch, 3 * channels);
  a.dscales = scratch;
  ort_status s = device_launch(k, context, "zos_moments", (size_t)a.blocks, channels, &a);
  if (s == NULL && (a.y != NULL || (a.dscale != NULL && !a.each)))
    s = device_launch(k, context, "zos_blend", a.y == NULL ? 1 : device_blocks(x.elements), 1, &a);
  device_give(work);
  return s;
}

ADDEND(forward, 3)
ADDEND(gradient, 5)

const op_def zos_device_normalize = {
    .op = DEVICE_COMMON(may_add_forward, add_forward, forward), ZOS_NORMALIZE};
const op_def zos_device_normalize_grad = {
    .op = DEVICE_COMMON(may_add_gradient, add_gradient, gradient), ZOS_NORMALIZE_GRAD};
