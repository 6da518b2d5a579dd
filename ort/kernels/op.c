// The functions that all operators of the domain share.
#include "op.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <limits.h>

const char *const op_nothing[] = {NULL};
const char *const op_window[] = {"kernel", "stride", "pad", "dilation", NULL};
const char *const op_sized[] = {"kernel", "stride", "pad", "dilation", "height", "width", NULL};

#define API(k, fn, type) ((type)(k)->api[api_##fn])

static const op_def *def(const custom_op *op) { return (const op_def *)op; }

const char *op_name(const custom_op *op) { return def(op)->name; }
const char *op_provider(const custom_op *op) { return (void)op, NULL; }  // the CPU
int op_float(const custom_op *op, size_t i) { return (void)op, (void)i, 1; }
size_t op_inputs(const custom_op *op) { return def(op)->inputs; }
size_t op_outputs(const custom_op *op) { return def(op)->outputs; }
int op_input_kind(const custom_op *op, size_t i) { return i >= def(op)->required_inputs; }
int op_output_kind(const custom_op *op, size_t i) { return i >= def(op)->required_outputs; }
int op_zero(const custom_op *op, size_t i) { return (void)op, (void)i, 0; }
int op_none(const custom_op *op) { return (void)op, 0; }
int op_one(const custom_op *op) { return (void)op, 1; }
int op_last(const custom_op *op) { return (void)op, INT_MAX; }
void op_destroy(void *kernel) { free(kernel); }

size_t op_inplace(int input, int **in, int **out) {
  *in = calloc(1, sizeof(int));
  *out = calloc(1, sizeof(int));
  if (*in == NULL || *out == NULL) return 0;
  **in = input;
  return 1;
}

size_t op_inplace_0(int **in, int **out) { return op_inplace(0, in, out); }

void op_release(int *in, int *out) {
  free(in);
  free(out);
}

ort_status op_error(ort_api api, const char *text) {
  enum { invalid_argument = 2 };
  return ((ort_status(*)(int, const char *))api[api_CreateStatus])(invalid_argument, text);
}

ort_status op_fail(const op_kernel *k, const char *format, ...) {
  char text[256];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  return op_error(k->api, text);
}

static ort_status attributes(const op_def *d, op_kernel *k, const void *info) {
  typedef ort_status (*get_int)(const void *, const char *, int64_t *);
  typedef ort_status (*get_float)(const void *, const char *, float *);
  for (int i = 0; d->attributes[i] != NULL; i++) {
    int64_t value = 0;
    TRY(API(k, KernelInfoGetAttribute_int64, get_int)(info, d->attributes[i], &value));
    if (value < INT_MIN || value > INT_MAX)
      return op_fail(k, "%s: attribute %s is %lld", d->name, d->attributes[i], (long long)value);
    k->attr[i] = (int)value;
  }
  if (d->real == NULL) return NULL;
  return API(k, KernelInfoGetAttribute_float, get_float)(info, d->real, &k->real);
}

ort_status op_create(const custom_op *op, ort_api api, const void *info, void **kernel) {
  op_kernel *k = calloc(1, sizeof *k);
  *kernel = NULL;
  if (k == NULL) return op_error(api, "kernel: out of memory");
  k->api = api;
  ort_status s = attributes(def(op), k, info);
  if (s == NULL)
    *kernel = k;
  else
    free(k);
  return s;
}

ort_status op_input(const op_kernel *k, void *context, size_t i, tensor *t) {
  const void *value = NULL;
  void *info = NULL;
  typedef ort_status (*get_input)(void *, size_t, const void **);
  typedef ort_status (*get_info)(const void *, void **);
  typedef ort_status (*get_size)(const void *, size_t *);
  typedef ort_status (*get_dims)(const void *, int64_t *, size_t);
  typedef ort_status (*get_data)(const void *, float **);
  TRY(API(k, KernelContext_GetInput, get_input)(context, i, &value));
  if (value == NULL) {
    t->data = NULL;
    return NULL;
  }
  TRY(API(k, GetTensorTypeAndShape, get_info)(value, &info));
  ort_status s = API(k, GetDimensionsCount, get_size)(info, &t->rank);
  if (s == NULL && t->rank > op_max_rank)
    s = op_fail(k, "kernel: input %zu has rank %zu", i, t->rank);
  if (s == NULL) s = API(k, GetDimensions, get_dims)(info, t->dims, t->rank);
  if (s == NULL) s = API(k, GetTensorShapeElementCount, get_size)(info, &t->elements);
  API(k, ReleaseTensorTypeAndShapeInfo, void (*)(void *))(info);
  return s != NULL ? s : API(k, GetTensorMutableData, get_data)(value, &t->data);
}

ort_status op_addend(const op_kernel *k, void *context, size_t i, tensor *t) {
  TRY(op_input(k, context, i, t));
  return t->data != NULL ? NULL : op_input(k, context, i + 1, t);
}

ort_status op_output(const op_kernel *k, void *context, size_t i, size_t rank, const int64_t *dims,
                     float **data) {
  void *value = NULL;
  typedef ort_status (*get_output)(void *, size_t, const int64_t *, size_t, void **);
  typedef ort_status (*get_data)(void *, float **);
  TRY(API(k, KernelContext_GetOutput, get_output)(context, i, dims, rank, &value));
  *data = NULL;
  return value == NULL ? NULL : API(k, GetTensorMutableData, get_data)(value, data);
}

ort_status op_parallel(const op_kernel *k, void *context, size_t n, void (*f)(void *, size_t),
                       void *argument) {
  typedef ort_status (*parallel)(const void *, void (*)(void *, size_t), size_t, size_t, void *);
  if (n == 1) {
    f(argument, 0);
    return NULL;
  }
  return API(k, KernelContext_ParallelFor, parallel)(context, f, n, 0, argument);
}
