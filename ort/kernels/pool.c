// The operators MaxPool, MaxPoolGrad, AveragePool and AveragePoolGrad of the domain.
#include "operators.h"
#include "pool.h"
#include "window.h"

#include <string.h>

enum { group = 8 };  // planes of a task

// job is one application to planes of X (h by w) and Y (oh by ow).
typedef struct {
  const pool_kernels *pool;
  dw_shape s;
  const float *x, *dy, *add;
  float *y, *dx;
  bool max;
  size_t planes;
  int failed;
} job;

static float *take(job *j) {
  float *work = work_take(j->pool->scratch(&j->s));
  if (work == NULL) __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED);
  return work;
}

static void forward(void *argument, size_t i) {
  job *j = argument;
  float *work = take(j);
  size_t n = (size_t)j->s.h * j->s.w, m = (size_t)j->s.oh * j->s.ow;
  for (size_t p = i * group; work != NULL && p < (i + 1) * group && p < j->planes; p++)
    j->pool->forward(&j->s, j->max, j->x + p * n, j->y + p * m, work);
  work_give(work);
}

static void backward(void *argument, size_t i) {
  job *j = argument;
  float *work = take(j);
  size_t n = (size_t)j->s.h * j->s.w, m = (size_t)j->s.oh * j->s.ow;
  for (size_t p = i * group; work != NULL && p < (i + 1) * group && p < j->planes; p++) {
    float *dx = j->dx + p * n;
    if (j->add == NULL)
      memset(dx, 0, sizeof(float) * n);
    else if (j->add != j->dx)
      memcpy(dx, j->add + p * n, sizeof(float) * n);
    j->pool->backward(&j->s, j->max, j->max ? j->x + p * n : NULL, j->dy + p * m, dx, work);
  }
  work_give(work);
}

static ort_status run(const op_kernel *k, void *context, job *j, size_t planes,
                      void (*f)(void *, size_t)) {
  j->planes = planes;
  if (planes == 0) return NULL;
  TRY(op_parallel(k, context, (planes + group - 1) / group, f, j));
  return j->failed ? op_fail(k, "pool: out of memory") : NULL;
}

// shape_of checks the window for the pool's own bounds.
static ort_status shape_of(const op_kernel *k, int64_t h, int64_t w, dw_shape *s) {
  TRY(window_shape(k, h, w, s));
  if (s->k > 3 || s->d != 1 || s->p >= s->k)
    return op_fail(k, "pool: window %d must be at most 3, pad %d less, dilation %d 1", s->k, s->p,
                   s->d);
  return NULL;
}

static ort_status pool(void *kernel, void *context, bool max) {
  const op_kernel *k = kernel;
  job j = {.pool = pool_choose(), .max = max};
  tensor x;
  TRY(op_input(k, context, 0, &x));
  if (x.rank != 4) return op_fail(k, "pool: X has rank %zu", x.rank);
  TRY(shape_of(k, x.dims[2], x.dims[3], &j.s));
  j.x = x.data;
  int64_t dims[4] = {x.dims[0], x.dims[1], j.s.oh, j.s.ow};
  TRY(op_output(k, context, 0, 4, dims, &j.y));
  return run(k, context, &j, x.dims[0] * x.dims[1], forward);
}

enum { a_height = w_end, a_width };

static ort_status gradient(void *kernel, void *context, bool max) {
  const op_kernel *k = kernel;
  job j = {.pool = pool_choose(), .max = max};
  tensor dy, x, add;
  TRY(op_input(k, context, 0, &dy));
  TRY(op_addend(k, context, max ? 2 : 1, &add));
  if (dy.rank != 4) return op_fail(k, "pool: dY has rank %zu", dy.rank);
  int64_t dims[4] = {dy.dims[0], dy.dims[1], 0, 0};
  if (max) {
    TRY(op_input(k, context, 1, &x));
    if (x.rank != 4) return op_fail(k, "pool: X has rank %zu", x.rank);
    dims[2] = x.dims[2];
    dims[3] = x.dims[3];
    j.x = x.data;
  } else {
    dims[2] = k->attr[a_height];
    dims[3] = k->attr[a_width];
  }
  TRY(shape_of(k, dims[2], dims[3], &j.s));
  if (dy.dims[2] != j.s.oh || dy.dims[3] != j.s.ow ||
      (max && (x.dims[0] != dims[0] || x.dims[1] != dims[1])))
    return op_fail(k, "pool: dY does not fit X of %dx%d", j.s.h, j.s.w);
  size_t elements = (size_t)(dims[0] * dims[1] * dims[2] * dims[3]);
  if (add.data != NULL && add.elements != elements)
    return op_fail(k, "pool: the addend has %zu elements, X %zu", add.elements, elements);
  j.dy = dy.data;
  j.add = add.data;
  TRY(op_output(k, context, 0, 4, dims, &j.dx));
  return run(k, context, &j, dims[0] * dims[1], backward);
}

static ort_status max_pool(void *k, void *c) { return pool(k, c, true); }
static ort_status average_pool(void *k, void *c) { return pool(k, c, false); }
static ort_status max_gradient(void *k, void *c) { return gradient(k, c, true); }
static ort_status average_gradient(void *k, void *c) { return gradient(k, c, false); }

ADDEND(max, 2)
ADDEND(average, 1)

const op_def zos_max_pool = {.op = OP_COMMON(NULL, NULL, max_pool), ZOS_MAX_POOL};
const op_def zos_max_pool_grad = {.op = OP_COMMON(may_add_max, add_max, max_gradient), ZOS_MAX_POOL_GRAD};
const op_def zos_average_pool = {.op = OP_COMMON(NULL, NULL, average_pool), ZOS_AVERAGE_POOL};
const op_def zos_average_pool_grad = {.op = OP_COMMON(may_add_average, add_average, average_gradient), ZOS_AVERAGE_POOL_GRAD};
