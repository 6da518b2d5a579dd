// The operators Scaled (a tensor times one number, plus a tensor) and Dot (the gradient of the
// number).
#include "dense.h"
#include "operators.h"

enum { piece = 1 << 14 };  // numbers per task; the order of the sums depends only on this

typedef struct {
  const dense_kernels *dense;
  const float *x, *add, *other;
  float *y, w;
  double *sums;
  size_t n;
} job;

static size_t tasks(const job *j) { return (j->n + piece - 1) / piece; }

static void scale(void *argument, size_t i) {
  const job *j = argument;
  size_t at = i * piece, n = j->n - at < piece ? j->n - at : piece;
  j->dense->scale(j->y + at, j->x + at, j->w, j->add == NULL ? NULL : j->add + at, n);
}

static void dot(void *argument, size_t i) {
  const job *j = argument;
  size_t at = i * piece, n = j->n - at < piece ? j->n - at : piece;
  j->sums[i] = j->dense->dot(j->x + at, j->other + at, n);
}

// Inputs X, w[1], add; output w X + add, with the shape of X.
static ort_status scaled(void *kernel, void *context) {
  const op_kernel *k = kernel;
  job j = {.dense = dense_choose()};
  tensor x, w, add;
  TRY(op_input(k, context, 0, &x));
  TRY(op_input(k, context, 1, &w));
  TRY(op_addend(k, context, 2, &add));
  if (w.elements != 1 || (add.data != NULL && add.elements != x.elements))
    return op_fail(k, "scaled: X has %zu elements, w %zu, the addend another number", x.elements,
                   w.elements);
  TRY(op_output(k, context, 0, x.rank, x.dims, &j.y));
  j.x = x.data;
  j.w = w.data[0];
  j.add = add.data;
  j.n = x.elements;
  return j.n == 0 ? NULL : op_parallel(k, context, tasks(&j), scale, &j);
}

// Inputs X and Y of the same shape; output [1].
static ort_status dot_product(void *kernel, void *context) {
  const op_kernel *k = kernel;
  job j = {.dense = dense_choose()};
  tensor x, y;
  float *out = NULL;
  int64_t one = 1;
  TRY(op_input(k, context, 0, &x));
  TRY(op_input(k, context, 1, &y));
  if (x.elements != y.elements)
    return op_fail(k, "dot: %zu and %zu elements", x.elements, y.elements);
  TRY(op_output(k, context, 0, 1, &one, &out));
  j.x = x.data;
  j.other = y.data;
  j.n = x.elements;
  float *work = work_take(2 * tasks(&j));
  if (work == NULL) return op_fail(k, "dot: out of memory");
  j.sums = (double *)work;
  ort_status s = j.n == 0 ? NULL : op_parallel(k, context, tasks(&j), dot, &j);
  double sum = 0;
  for (size_t i = 0; i < tasks(&j); i++) sum += j.sums[i];
  if (out != NULL) out[0] = (float)sum;
  work_give(work);
  return s;
}

ADDEND(scaled, 2)

const op_def zos_scaled = {.op = OP_COMMON(may_add_scaled, add_scaled, scaled), ZOS_SCALED};
const op_def zos_dot = {.op = OP_COMMON(NULL, NULL, dot_product), ZOS_DOT};
