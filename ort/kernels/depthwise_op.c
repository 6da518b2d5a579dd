// The operators DepthwiseConv, DepthwiseGradInput and DepthwiseGradWeight.
#include "window.h"

// Attributes after those of the window: the size of X, which dY alone does not determine.
enum { a_height = w_end, a_width };

// job is one application, cut into tasks of some planes each.
typedef struct {
  const dw_kernels *kernels;
  dw_shape shape;
  const float *in, *with;  // X or dY; W, or for the weight gradient X
  float *out;
  size_t batch, channels, planes, step, scratch;
  int direction;  // 0 forward, 1 input gradient, 2 weight gradient
  int failed;
} job;

static void task(void *argument, size_t i) {
  job *j = argument;
  float *scratch = work_take(j->scratch);
  if (scratch == NULL) {
    __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  size_t from = i * j->step, to = from + j->step < j->planes ? from + j->step : j->planes;
  const dw_shape *s = &j->shape;
  size_t px = (size_t)s->h * s->w, py = (size_t)s->oh * s->ow, taps = (size_t)s->k * s->k;
  if (j->direction == 2) {
    for (size_t c = from; c < to; c++)
      j->kernels->weight(s, j->in + c * py, j->channels * py, j->with + c * px, j->channels * px,
                         false, j->batch, j->out + c * taps, scratch);
  } else {
    bool back = j->direction == 1;
    dw_planes p = {.in = j->in, .w = j->with, .out = j->out, .in_step = back ? py : px,
                   .out_step = back ? px : py, .channels = j->channels, .from = from, .to = to};
    (back ? j->kernels->input : j->kernels->forward)(s, &p, scratch);
  }
  work_give(scratch);
}

// run cuts a job of planes, with the given number of products each, into tasks of about 2^18
// products.
static ort_status run(const op_kernel *k, void *context, job *j, size_t planes, size_t products) {
  j->planes = planes;
  j->step = ((size_t)1 << 18) / (products + 1) + 1;
  size_t tasks = (planes + j->step - 1) / j->step;
  if (tasks == 0) return NULL;
  TRY(op_parallel(k, context, tasks, task, j));
  return j->failed ? op_fail(k, "depthwise: out of memory for %zu floats", j->scratch) : NULL;
}

static ort_status weights_fit(const op_kernel *k, const tensor *w, const dw_shape *s,
                              int64_t channels) {
  if (w->elements == (size_t)(channels * s->k * s->k)) return NULL;
  return op_fail(k, "depthwise: %lld channels of kernel %d need %lld weights, got %zu",
                 (long long)channels, s->k, (long long)channels * s->k * s->k, w->elements);
}

static ort_status forward(void *kernel, void *context) {
  const op_kernel *k = kernel;
  job j = {.direction = 0};
  tensor x, w;
  TRY(op_input(k, context, 0, &x));
  TRY(op_input(k, context, 1, &w));
  if (x.rank != 4) return op_fail(k, "depthwise: X has rank %zu", x.rank);
  TRY(window_shape(k, x.dims[2], x.dims[3], &j.shape));
  TRY(weights_fit(k, &w, &j.shape, x.dims[1]));
  int64_t dims[4] = {x.dims[0], x.dims[1], j.shape.oh, j.shape.ow};
  TRY(op_output(k, context, 0, 4, dims, &j.out));
  j.kernels = dw_choose(j.shape.ow);
  j.in = x.data;
  j.with = w.data;
  j.channels = x.dims[1];
  j.scratch = j.kernels->forward_scratch(&j.shape);
  return run(k, context, &j, x.dims[0] * x.dims[1],
             (size_t)j.shape.oh * j.shape.ow * j.shape.k * j.shape.k);
}

static ort_status grad_input(void *kernel, void *context) {
  const op_kernel *k = kernel;
  job j = {.direction = 1};
  tensor dy, w;
  TRY(op_input(k, context, 0, &dy));
  TRY(op_input(k, context, 1, &w));
  TRY(window_shape(k, k->attr[a_height], k->attr[a_width], &j.shape));
  if (dy.rank != 4 || dy.dims[2] != j.shape.oh || dy.dims[3] != j.shape.ow)
    return op_fail(k, "depthwise: dY does not fit X of %dx%d", j.shape.h, j.shape.w);
  TRY(weights_fit(k, &w, &j.shape, dy.dims[1]));
  int64_t dims[4] = {dy.dims[0], dy.dims[1], j.shape.h, j.shape.w};
  TRY(op_output(k, context, 0, 4, dims, &j.out));
  j.kernels = dw_choose(j.shape.w);
  j.in = dy.data;
  j.with = w.data;
  j.channels = dy.dims[1];
  j.scratch = j.kernels->input_scratch(&j.shape);
  return run(k, context, &j, dy.dims[0] * dy.dims[1],
             (size_t)j.shape.h * j.shape.w * j.shape.k * j.shape.k);
}

static ort_status grad_weight(void *kernel, void *context) {
  const op_kernel *k = kernel;
  job j = {.direction = 2};
  tensor dy, x;
  TRY(op_input(k, context, 0, &dy));
  TRY(op_input(k, context, 1, &x));
  if (x.rank != 4) return op_fail(k, "depthwise: X has rank %zu", x.rank);
  TRY(window_shape(k, x.dims[2], x.dims[3], &j.shape));
  if (dy.rank != 4 || dy.dims[0] != x.dims[0] || dy.dims[1] != x.dims[1] ||
      dy.dims[2] != j.shape.oh || dy.dims[3] != j.shape.ow)
    return op_fail(k, "depthwise: dY does not fit X of %dx%d", j.shape.h, j.shape.w);
  int64_t dims[1] = {x.dims[1] * j.shape.k * j.shape.k};
  TRY(op_output(k, context, 0, 1, dims, &j.out));
  j.kernels = dw_choose(j.shape.ow);
  j.in = dy.data;
  j.with = x.data;
  j.batch = x.dims[0];
  j.channels = x.dims[1];
  j.scratch = j.kernels->weight_scratch(&j.shape);
  return run(k, context, &j, j.channels,
             j.batch * j.shape.oh * j.shape.ow * j.shape.k * j.shape.k);
}


const op_def zos_depthwise_conv = {.op = OP_COMMON(NULL, NULL, forward),
    .name = "DepthwiseConv", .inputs = 2, .required_inputs = 2, .outputs = 1,
    .required_outputs = 1, .attributes = op_window};
const op_def zos_depthwise_grad_input = {.op = OP_COMMON(op_inplace_0, NULL, grad_input),
    .name = "DepthwiseGradInput", .inputs = 2, .required_inputs = 2, .outputs = 1,
    .required_outputs = 1, .attributes = op_sized};
const op_def zos_depthwise_grad_weight = {.op = OP_COMMON(NULL, NULL, grad_weight),
    .name = "DepthwiseGradWeight", .inputs = 2, .required_inputs = 2, .outputs = 1,
    .required_outputs = 1, .attributes = op_window};
