// The operators Normalize and NormalizeGrad: a batch norm with the statistics of the batch.
#include "dense.h"
#include "norm.h"
#include "operators.h"

// job is one application; each task is one sample.
typedef struct {
  const dense_kernels *dense;
  const float *x, *dy, *mean, *variance, *scale, *bias, *add;
  float *y, *coefficient;  // per channel: a, or k0, k1, k2
  size_t batch, channels, n;
  bool each;  // scale has one number per channel
  double *first, *second;  // moments or slopes of every plane
} job;

static float scale_of(const job *j, size_t c) {
  return j->scale == NULL ? 1 : j->scale[j->each ? c : 0];
}

static void measure(void *argument, size_t i) {
  const job *j = argument;
  for (size_t c = 0; c < j->channels; c++) {
    size_t at = i * j->channels + c;
    j->dense->moments(j->x + at * j->n, j->n, &j->first[at], &j->second[at]);
  }
}

static void apply(void *argument, size_t i) {
  const job *j = argument;
  for (size_t c = 0; c < j->channels; c++) {
    size_t at = (i * j->channels + c) * j->n;
    j->dense->affine(j->y + at, j->x + at, j->mean[c], j->coefficient[c],
                     j->bias == NULL ? 0 : j->bias[c], j->add == NULL ? NULL : j->add + at, j->n);
  }
}

static void measure_slopes(void *argument, size_t i) {
  const job *j = argument;
  for (size_t c = 0; c < j->channels; c++) {
    size_t at = i * j->channels + c;
    j->dense->slopes(j->dy + at * j->n, j->x + at * j->n, j->mean[c], j->n, &j->first[at],
                     &j->second[at]);
  }
}

static void apply_slopes(void *argument, size_t i) {
  const job *j = argument;
  for (size_t c = 0; c < j->channels; c++) {
    size_t at = (i * j->channels + c) * j->n;
    const float *k = j->coefficient + 3 * c;
    j->dense->blend(j->y + at, j->dy + at, j->x + at, j->mean[c], k[0], k[1], k[2],
                    j->add == NULL ? NULL : j->add + at, j->n);
  }
}

// shape_of reads the sizes of X and checks the sizes that must match them.
static ort_status shape_of(const op_kernel *k, job *j, const tensor *x, const tensor *scale,
                           const tensor *add) {
  if (x->rank != 4 || x->elements == 0) return op_fail(k, "normalize: X must be NCHW, not empty");
  j->dense = dense_choose();
  j->batch = x->dims[0];
  j->channels = x->dims[1];
  j->n = (size_t)(x->dims[2] * x->dims[3]);
  j->x = x->data;
  if (scale->data != NULL && scale->elements != 1 && scale->elements != j->channels)
    return op_fail(k, "normalize: %zu scales for %zu channels", scale->elements, j->channels);
  j->scale = scale->data;
  j->each = scale->data != NULL && scale->elements > 1;
  if (add->data != NULL && add->elements != x->elements)
    return op_fail(k, "normalize: the addend has %zu elements, X %zu", add->elements, x->elements);
  j->add = add->data;
  return NULL;
}

static ort_status in_work(const op_kernel *k, void *context, job *j, size_t extra,
                          ort_status (*f)(const op_kernel *, void *, job *, float *)) {
  size_t planes = j->batch * j->channels;
  float *work = work_take(4 * planes + extra);
  if (work == NULL) return op_fail(k, "normalize: out of memory for %zu planes", planes);
  j->first = (double *)work;
  j->second = j->first + planes;
  ort_status s = f(k, context, j, work + 4 * planes);
  work_give(work);
  return s;
}

static ort_status forward_in(const op_kernel *k, void *context, job *j, float *work) {
  float *mean = work, *variance = mean + j->channels, *out = NULL;
  int64_t channels = (int64_t)j->channels;
  j->coefficient = variance + j->channels;
  TRY(op_parallel(k, context, j->batch, measure, j));
  norm_moments(j->first, j->second, j->batch, j->channels, j->n, mean, variance);
  for (size_t c = 0; c < j->channels; c++)
    j->coefficient[c] = scale_of(j, c) * norm_inverse(variance[c], k->real);
  j->mean = mean;
  TRY(op_output(k, context, 1, 1, &channels, &out));
  for (size_t c = 0; out != NULL && c < j->channels; c++) out[c] = mean[c];
  TRY(op_output(k, context, 2, 1, &channels, &out));
  for (size_t c = 0; out != NULL && c < j->channels; c++) out[c] = variance[c];
  return op_parallel(k, context, j->batch, apply, j);
}

// Inputs X, scale[1 or C], bias[C], add; outputs Y, mean[C], variance[C].
static ort_status forward(void *kernel, void *context) {
  const op_kernel *k = kernel;
  job j = {0};
  tensor x, scale, bias, add;
  TRY(op_input(k, context, 0, &x));
  TRY(op_input(k, context, 1, &scale));
  TRY(op_input(k, context, 2, &bias));
  TRY(op_addend(k, context, 3, &add));
  TRY(shape_of(k, &j, &x, &scale, &add));
  if (bias.data != NULL && bias.elements != j.channels)
    return op_fail(k, "normalize: %zu biases for %zu channels", bias.elements, j.channels);
  j.bias = bias.data;
  TRY(op_output(k, context, 0, 4, x.dims, &j.y));
  return in_work(k, context, &j, 3 * j.channels, forward_in);
}

static ort_status gradient_in(const op_kernel *k, void *context, job *j, float *work) {
  int64_t channels = (int64_t)j->channels, scales = j->each ? channels : 1;
  float *dscale = NULL, *dbias = NULL;
  TRY(op_output(k, context, 1, 1, &scales, &dscale));
  TRY(op_output(k, context, 2, 1, &channels, &dbias));
  TRY(op_parallel(k, context, j->batch, measure_slopes, j));
  j->coefficient = work;
  double all = 0;
  for (size_t c = 0; c < j->channels; c++) {
    norm_gradient g = norm_slopes(j->first, j->second, j->batch, j->channels, c, j->n,
                                  j->variance[c], k->real, scale_of(j, c));
    work[3 * c] = g.k0;
    work[3 * c + 1] = g.k1;
    work[3 * c + 2] = g.k2;
    all += g.dscale;
    if (dscale != NULL && j->each) dscale[c] = (float)g.dscale;
    if (dbias != NULL) dbias[c] = (float)g.dbias;
  }
  if (dscale != NULL && !j->each) dscale[0] = (float)all;
  return j->y == NULL ? NULL : op_parallel(k, context, j->batch, apply_slopes, j);
}

// Inputs dY, X, mean[C], variance[C], scale, add; outputs dX, dscale, dbias, each optional.
static ort_status gradient(void *kernel, void *context) {
  const op_kernel *k = kernel;
  job j = {0};
  tensor dy, x, mean, variance, scale, add;
  TRY(op_input(k, context, 0, &dy));
  TRY(op_input(k, context, 1, &x));
  TRY(op_input(k, context, 2, &mean));
  TRY(op_input(k, context, 3, &variance));
  TRY(op_input(k, context, 4, &scale));
  TRY(op_addend(k, context, 5, &add));
  TRY(shape_of(k, &j, &x, &scale, &add));
  if (dy.elements != x.elements || mean.elements != j.channels || variance.elements != j.channels)
    return op_fail(k, "normalize: dY or the statistics do not fit X");
  j.dy = dy.data;
  j.mean = mean.data;
  j.variance = variance.data;
  TRY(op_output(k, context, 0, 4, x.dims, &j.y));
  return in_work(k, context, &j, 3 * j.channels, gradient_in);
}

ADDEND(forward, 3)
ADDEND(gradient, 5)

const op_def zos_normalize = {.op = OP_COMMON(may_add_forward, add_forward, forward), ZOS_NORMALIZE};
const op_def zos_normalize_grad = {.op = OP_COMMON(may_add_gradient, add_gradient, gradient), ZOS_NORMALIZE_GRAD};
