// The operators Scaled, Dot and the pools on a GPU; see scaled.c and pool.c.
#include "device.h"
#include "window.h"

enum { dot_blocks = 256 };

static ort_status scaled(void *kernel, void *context) {
  const op_kernel *k = kernel;
  zos_arguments a = {0};
  tensor x, w, add;
  TRY(op_input(k, context, 0, &x));
  TRY(op_input(k, context, 1, &w));
  TRY(op_addend(k, context, 2, &add));
  TRY(device_count(k, x.elements, 1));
  if (w.elements != 1 || (add.data != NULL && add.elements != x.elements))
    return op_fail(k, "scaled: X has %zu elements, w %zu, the addend another number", x.elements,
                   w.elements);
  a.x = x.data;
  a.w = w.data;
  a.add = add.data;
  a.n = (int)x.elements;
  TRY(op_output(k, context, 0, x.rank, x.dims, &a.y));
  return device_launch(k, context, "zos_scaled", device_blocks(x.elements), 1, &a);
}

static ort_status dot(void *kernel, void *context) {
  const op_kernel *k = kernel;
  zos_arguments a = {0};
  tensor x, y;
  int64_t one = 1;
  TRY(op_input(k, context, 0, &x));
  TRY(op_input(k, context, 1, &y));
  TRY(device_count(k, x.elements, 1));
  if (x.elements != y.elements || x.elements == 0)
    return op_fail(k, "dot: %zu and %zu elements", x.elements, y.elements);
  size_t blocks = device_least(device_blocks(x.elements), dot_blocks);
  a.x = x.data;
  a.dy = y.data;
  a.n = (int)x.elements;
  TRY(op_output(k, context, 0, 1, &one, &a.y));
  TRY(device_scratch(k, blocks, &a.parts));
  ort_status s = device_launch(k, context, "zos_dot", blocks, 1, &a);
  device_give(a.parts);
  return s;
}

// pools reads the geometry of a pool for an X of these dimensions.
static ort_status pools(const op_kernel *k, const int64_t *x, int average, zos_arguments *a) {
  dw_shape s;
  if (k->attr[w_pad] >= k->attr[w_kernel] || k->attr[w_dilation] != 1)
    return op_fail(k, "pool: kernel %d with pad %d, dilation %d", k->attr[w_kernel], k->attr[w_pad],
                   k->attr[w_dilation]);
  TRY(window_shape(k, x[2], x[3], &s));
  *a = (zos_arguments){.h = s.h, .w_in = s.w, .oh = s.oh, .ow = s.ow, .kernel = s.k, .stride = s.s,
      .pad = s.p, .dilation = s.d, .each = average};
  return NULL;
}

static ort_status pool(void *kernel, void *context, int average) {
  const op_kernel *k = kernel;
  zos_arguments a;
  tensor x;
  TRY(op_input(k, context, 0, &x));
  if (x.rank != 4) return op_fail(k, "pool: X has rank %zu", x.rank);
  TRY(device_count(k, x.elements, 1));
  TRY(pools(k, x.dims, average, &a));
  int64_t dims[4] = {x.dims[0], x.dims[1], a.oh, a.ow};
  a.x = x.data;
  a.n = (int)(dims[0] * dims[1] * a.oh * a.ow);
  TRY(op_output(k, context, 0, 4, dims, &a.y));
  return device_launch(k, context, "zos_pool", device_blocks((size_t)a.n), 1, &a);
}

enum { a_height = w_end, a_width };

static ort_status unpool(void *kernel, void *context, int average) {
  const op_kernel *k = kernel;
  zos_arguments a;
  tensor dy, x = {0}, add;
  TRY(op_input(k, context, 0, &dy));
  TRY(op_addend(k, context, average ? 1 : 2, &add));
  if (!average) TRY(op_input(k, context, 1, &x));
  if (dy.rank != 4 || (!average && x.rank != 4)) return op_fail(k, "pool: dY and X must be NCHW");
  int64_t dims[4] = {dy.dims[0], dy.dims[1], average ? k->attr[a_height] : x.dims[2],
                     average ? k->attr[a_width] : x.dims[3]};
  TRY(pools(k, dims, average, &a));
  size_t elements = (size_t)(dims[0] * dims[1] * dims[2] * dims[3]);
  TRY(device_count(k, elements, 1));
  if (dy.dims[2] != a.oh || dy.dims[3] != a.ow || (!average && x.elements != elements) ||
      (add.data != NULL && add.elements != elements))
    return op_fail(k, "pool: dY or the addend do not fit X of %dx%d", a.h, a.w_in);
  a.x = x.data;
  a.dy = dy.data;
  a.add = add.data;
  a.n = (int)elements;
  TRY(op_output(k, context, 0, 4, dims, &a.y));
  return device_launch(k, context, "zos_unpool", device_blocks(elements), 1, &a);
}

static ort_status max_pool(void *k, void *c) { return pool(k, c, 0); }
static ort_status average_pool(void *k, void *c) { return pool(k, c, 1); }
static ort_status max_gradient(void *k, void *c) { return unpool(k, c, 0); }
static ort_status average_gradient(void *k, void *c) { return unpool(k, c, 1); }

ADDEND(scaled, 2)
ADDEND(max, 2)
ADDEND(average, 1)

const op_def zos_device_scaled = {.op = DEVICE_COMMON(may_add_scaled, add_scaled, scaled), ZOS_SCALED};
const op_def zos_device_dot = {.op = DEVICE_COMMON(NULL, NULL, dot), ZOS_DOT};
const op_def zos_device_max_pool = {.op = DEVICE_COMMON(NULL, NULL, max_pool), ZOS_MAX_POOL};
const op_def zos_device_max_pool_grad = {
    .op = DEVICE_COMMON(may_add_max, add_max, max_gradient), ZOS_MAX_POOL_GRAD};
const op_def zos_device_average_pool = {.op = DEVICE_COMMON(NULL, NULL, average_pool), ZOS_AVERAGE_POOL};
const op_def zos_device_average_pool_grad = {
    .op = DEVICE_COMMON(may_add_average, add_average, average_gradient), ZOS_AVERAGE_POOL_GRAD};
