// The operators ReluConvNorm and ReluConvNormGrad on a GPU. See unit.h for what they compute, and
// graphgen/op/device.go for the size of the working memory.
#include "device.h"
#include "unit.h"

enum { most_blocks = 256, most_slices = 64 };

// arguments takes over what the operators share. The geometry of a unit without a depthwise convolution is
// that of its planes.
static ort_status arguments(const unit *u, const tensor *x, zos_arguments *a) {
  *a = (zos_arguments){.x = u->x, .w = u->w, .v = u->v, .scale = u->scale, .add = u->add,
      .batch = (int)u->batch, .in = (int)u->in, .out = (int)u->out, .h = (int)x->dims[2],
      .w_in = (int)x->dims[3], .oh = (int)x->dims[2], .ow = (int)x->dims[3], .stride = 1, .dilation = 1,
      .each = u->each, .n = (int)(u->batch * u->out * u->px), .epsilon = u->epsilon};
  if (u->shape.k > 0) {
    a->oh = u->shape.oh;
    a->ow = u->shape.ow;
    a->kernel = u->shape.k;
    a->stride = u->shape.s;
    a->pad = u->shape.p;
    a->dilation = u->shape.d;
  }
  TRY(device_count(u->k, x->elements, u->in));
  return device_count(u->k, u->batch * u->out * u->px, u->out);
}

static size_t tiles_of(const unit *u) { return u->batch * ((u->px + zos_tile - 1) / zos_tile); }
static size_t groups(size_t channels) { return (channels + zos_channels - 1) / zos_channels; }

static ort_status forward(void *kernel, void *context) {
  const op_kernel *k = kernel;
  unit u = {0};
  zos_arguments a;
  tensor x, bias, add;
  TRY(unit_read(&u, k, context, 0, 1, 2, 3, 5, &x));
  TRY(op_input(k, context, 4, &bias));
  TRY(op_addend(k, context, 5, &add));
  TRY(arguments(&u, &x, &a));
  if (bias.data != NULL && bias.elements != u.out)
    return op_fail(k, "unit: %zu biases for %zu channels", bias.elements, u.out);
  if (add.data != NULL && add.elements != (size_t)a.n)
    return op_fail(k, "unit: the addend has %zu elements", add.elements);
  int64_t dims[4] = {x.dims[0], a.out, a.oh, a.ow}, channels = a.out;
  float *work;
  size_t blocks = device_least(tiles_of(&u), most_blocks);
  size_t p = u.add == NULL ? 0 : (size_t)a.n;  // Y may be in the addend's memory
  TRY(op_output(k, context, 0, 4, dims, &a.y));
  TRY(op_output(k, context, 1, 1, &channels, &a.mean));
  TRY(op_output(k, context, 2, 1, &channels, &a.variance));
  TRY(device_scratch(k, (3 * blocks + 2) * u.out + p, &work));
  float *scratch = work;
  a.bias = bias.data;
  a.blocks = (int)blocks;
  a.parts = device_take(&scratch, 3 * blocks * u.out);
  float *mean = device_take(&scratch, u.out), *variance = device_take(&scratch, u.out);
  if (a.mean == NULL) a.mean = mean;
  if (a.variance == NULL) a.variance = variance;
  a.p = u.add == NULL ? a.y : scratch;
  ort_status s = device_launch(k, context, "zos_project", blocks, groups(u.out), &a);
  if (s == NULL) s = device_launch(k, context, "zos_normalize", device_blocks((size_t)a.n), 1, &a);
  device_give(work);
  return s;
}

// room divides the working memory of the backward pass. With scratch NULL it returns its size.
static size_t room(const unit *u, zos_arguments *a, float *scratch) {
  size_t d = u->batch * u->in * u->px, taps = (size_t)a->kernel * a->kernel;
  float *start = scratch;
  int pulls = a->y != NULL || a->dv != NULL;
  a->parts = device_take(&scratch, (size_t)(3 * a->blocks * a->out));
  a->k = device_take(&scratch, 3 * u->out);
  a->dscales = device_take(&scratch, u->out);
  a->p = device_take(&scratch, (size_t)a->n);
  a->d = a->dw == NULL ? NULL : device_take(&scratch, d);
  a->dd = !pulls ? NULL : device_take(&scratch, d);
  a->dw_parts = a->dw == NULL ? NULL : device_take(&scratch, (size_t)a->slices * u->out * u->in);
  a->dv_parts = a->dv == NULL ? NULL : device_take(&scratch, u->batch * u->in * taps);
  return (size_t)(scratch - start);
}

static ort_status launch_backward(const unit *u, void *context, const zos_arguments *a) {
  const op_kernel *k = u->k;
  size_t ins = groups(u->in), sums = a->dscale != NULL && !a->each;
  size_t backs = a->dd == NULL ? 0 : tiles_of(u) * ins;
  size_t weights = a->dw == NULL ? 0 : (size_t)a->slices * groups(u->out) * ins;
  size_t planes = a->dd == NULL ? 0 : u->batch * u->in;
  size_t rest = a->dw == NULL ? sums : (u->out * u->in + zos_threads - 1) / zos_threads;
  TRY(device_launch(k, context, "zos_project", (size_t)a->blocks, groups(u->out), a));
  TRY(device_launch(k, context, "zos_spread", backs + weights, 1, a));
  return device_launch(k, context, "zos_pull", planes + rest, 1, a);
}

static ort_status backward(void *kernel, void *context) {
  const op_kernel *k = kernel;
  unit u = {0};
  zos_arguments a;
  tensor x, dy, mean, variance, add;
  TRY(unit_read(&u, k, context, 1, 4, 5, 6, 7, &x));
  TRY(op_input(k, context, 0, &dy));
  TRY(op_input(k, context, 2, &mean));
  TRY(op_input(k, context, 3, &variance));
  TRY(op_addend(k, context, 7, &add));
  TRY(arguments(&u, &x, &a));
  if (dy.elements != (size_t)a.n || mean.elements != u.out || variance.elements != u.out)
    return op_fail(k, "unit: dY has %zu elements, the statistics %zu", dy.elements, mean.elements);
  if (add.data != NULL && add.elements != x.elements)
    return op_fail(k, "unit: the addend has %zu elements, X %zu", add.elements, x.elements);
  int64_t nw = (int64_t)(u.in * u.out), nv = (int64_t)u.in * a.kernel * a.kernel;
  int64_t channels = a.out, scales = a.each ? channels : 1;
  TRY(op_output(k, context, 0, 4, x.dims, &a.y));
  TRY(op_output(k, context, 1, 1, &nw, &a.dw));
  if (nv > 0) TRY(op_output(k, context, 2, 1, &nv, &a.dv));
  TRY(op_output(k, context, 3, 1, &scales, &a.dscale));
  TRY(op_output(k, context, 4, 1, &channels, &a.dbias));
  a.dy = dy.data;
  a.mean = mean.data;
  a.variance = variance.data;
  a.backward = 1;
  a.blocks = (int)device_least(tiles_of(&u), most_blocks);
  a.slices = (int)device_least(tiles_of(&u), most_slices);
  float *scratch;
  TRY(device_scratch(k, room(&u, &a, NULL), &scratch));
  room(&u, &a, scratch);
  ort_status s = launch_backward(&u, context, &a);
  device_give(scratch);
  return s;
}

ADDEND(forward, 5)
ADDEND(backward, 7)

const op_def zos_device_relu_conv_norm = {
    .op = DEVICE_COMMON(may_add_forward, add_forward, forward), ZOS_RELU_CONV_NORM};
const op_def zos_device_relu_conv_norm_grad = {
    .op = DEVICE_COMMON(may_add_backward, add_backward, backward), ZOS_RELU_CONV_NORM_GRAD};
