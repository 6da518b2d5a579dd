// The parts of ONNX Runtime's interface for custom operators that we use: struct OrtCustomOp of API
// 28 and functions of struct OrtApi, declared by position (both are append-only).
#ifndef ZOS_OP_H
#define ZOS_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef const void *const *ort_api;
typedef void *ort_status;  // NULL: no error

enum {
  api_CreateStatus = 0,
  api_GetTensorMutableData = 51,
  api_GetDimensionsCount = 61,
  api_GetDimensions = 62,
  api_GetTensorShapeElementCount = 64,
  api_GetTensorTypeAndShape = 65,
  api_KernelInfoGetAttribute_float = 85,
  api_KernelInfoGetAttribute_int64 = 86,
  api_ReleaseStatus = 93,
  api_KernelContext_GetInputCount = 88,
  api_KernelContext_GetOutputCount = 89,
  api_KernelContext_GetInput = 90,
  api_KernelContext_GetOutput = 91,
  api_ReleaseTensorTypeAndShapeInfo = 99,
  api_KernelInfoGetAttributeArray_int64 = 163,
  api_KernelContext_GetGPUComputeStream = 193,
  api_KernelContext_ParallelFor = 274,
};

// custom_op is struct OrtCustomOp. If an entry has a second version, ONNX Runtime does not call the
// first, which is NULL.
typedef struct custom_op custom_op;
struct custom_op {
  uint32_t version;
  void *(*create_v1)(const custom_op *, ort_api, const void *info);
  const char *(*name)(const custom_op *);
  const char *(*provider)(const custom_op *);
  int (*input_type)(const custom_op *, size_t);
  size_t (*inputs)(const custom_op *);
  int (*output_type)(const custom_op *, size_t);
  size_t (*outputs)(const custom_op *);
  void (*compute_v1)(void *, void *context);
  void (*destroy)(void *);
  int (*input_kind)(const custom_op *, size_t);
  int (*output_kind)(const custom_op *, size_t);
  int (*input_memory)(const custom_op *, size_t);
  int (*input_variadic_min)(const custom_op *);
  int (*input_homogeneous)(const custom_op *);
  int (*output_variadic_min)(const custom_op *);
  int (*output_homogeneous)(const custom_op *);
  ort_status (*create)(const custom_op *, ort_api, const void *info, void **kernel);
  ort_status (*compute)(void *kernel, void *context);
  ort_status (*infer)(const custom_op *, void *context);
  int (*start_version)(const custom_op *);
  int (*end_version)(const custom_op *);
  size_t (*may_inplace)(int **in, int **out);
  void (*release_inplace)(int *in, int *out);
  size_t (*alias)(int **in, int **out);
  void (*release_alias)(int *in, int *out);
};

// op_def is one of our operators: a custom_op followed by the data of the common functions. All
// inputs and outputs are float tensors, except for bfloat16 images on a GPU; only those after the last
// required one may be left out.
typedef struct {
  custom_op op;  // must come first: ONNX Runtime hands out its address
  const char *name;
  size_t inputs, required_inputs, outputs, required_outputs;
  const char *const *attributes;  // names of integer attributes, NULL at the end
  const char *real;               // name of a float attribute, or NULL
} op_def;

enum { op_max_attributes = 8, op_max_rank = 8 };

// op_kernel is a node: the attributes of its operator, in order.
typedef struct {
  ort_api api;
  int attr[op_max_attributes];
  float real;
} op_kernel;

// OP_COMMON is the custom_op of an op_def: what it may compute in place, what it does compute in
// place, and its kernel.
#define OP_COMMON(inplace_fn, alias_fn, compute_fn)                                              \
  {                                                                                              \
    OP_DESCRIPTION(op_provider, op_float), .create = op_create, .destroy = op_destroy,                     \
    .compute = compute_fn, .may_inplace = inplace_fn, .release_inplace = op_release,             \
    .alias = alias_fn, .release_alias = op_release                                               \
  }
// OP_CUSTOM is the custom_op of an op_def that makes and frees its kernels itself. type_fn gives the types of
// its inputs and outputs.
#define OP_CUSTOM(provider_fn, type_fn, create_fn, destroy_fn, compute_fn)                       \
  {                                                                                              \
    OP_DESCRIPTION(provider_fn, type_fn), .create = create_fn, .destroy = destroy_fn,                     \
    .compute = compute_fn                                                                        \
  }
#define OP_DESCRIPTION(provider_fn, type_fn)                                                     \
  .version = 28, .name = op_name, .provider = provider_fn, .input_type = type_fn,                \
  .inputs = op_inputs, .output_type = type_fn, .outputs = op_outputs,                           \
  .input_kind = op_input_kind, .output_kind = op_output_kind, .input_memory = op_zero,           \
  .input_variadic_min = op_none, .input_homogeneous = op_one, .output_variadic_min = op_none,    \
  .output_homogeneous = op_one, .start_version = op_one, .end_version = op_last

// tensor is an input or output of a node.
typedef struct {
  float *data;
  size_t rank, elements;
  int64_t dims[op_max_rank];
} tensor;

// Names of attributes, up to NULL: none, of a window, and of a window whose input's size is given.
extern const char *const op_nothing[], *const op_window[], *const op_sized[];

const char *op_name(const custom_op *);
const char *op_provider(const custom_op *);
int op_float(const custom_op *, size_t);
size_t op_inputs(const custom_op *);
size_t op_outputs(const custom_op *);
int op_input_kind(const custom_op *, size_t);
int op_output_kind(const custom_op *, size_t);
int op_zero(const custom_op *, size_t);
int op_none(const custom_op *);
int op_one(const custom_op *);
int op_last(const custom_op *);
void op_destroy(void *);
ort_status op_create(const custom_op *, ort_api, const void *info, void **kernel);
size_t op_inplace(int input, int **in, int **out);  // output 0 may be computed in that input
size_t op_inplace_0(int **in, int **out);
void op_release(int *in, int *out);

// An addend is a pair of optional inputs. ONNX Runtime computes output 0 in the first one if it
// finds out that this is its last reader and that both have one shape. It always computes output 0
// in the second one, and needs to know no shape for that.
#define ADDEND(name, i)                                                                     \
  static size_t may_add_##name(int **in, int **out) { return op_inplace(i, in, out); }      \
  static size_t add_##name(int **in, int **out) { return op_inplace((i) + 1, in, out); }

ort_status op_error(ort_api, const char *text);
ort_status op_fail(const op_kernel *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
ort_status op_input(const op_kernel *, void *context, size_t i, tensor *t);
// op_addend reads the pair of inputs from i.
ort_status op_addend(const op_kernel *, void *context, size_t i, tensor *t);
ort_status op_output(const op_kernel *, void *context, size_t i, size_t rank, const int64_t *dims,
                     float **data);
// op_parallel calls f(argument, i) for i in 0..n-1 on the session's threads.
ort_status op_parallel(const op_kernel *, void *context, size_t n, void (*f)(void *, size_t),
                       void *argument);

// work_take returns 64-byte aligned memory for one call of a kernel, or NULL if there is none.
// Returned blocks are kept for the next call: fresh memory costs more than most kernels.
float *work_take(size_t floats);
void work_give(float *block);

#define TRY(call)                          \
  do {                                     \
    ort_status try_ = (call);              \
    if (try_ != NULL) return try_;         \
  } while (0)

#endif
