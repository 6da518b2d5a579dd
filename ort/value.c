// Tensors, bindings, inference, statistics and custom operator domains.
#include "api.h"
#include "call.h"

#include <stdlib.h>
#include <string.h>

enum { alignment = 64 };  // a cache line, and the widest vector register

void *zos_memory(size_t bytes) {
  void *p = NULL;
  if (posix_memalign(&p, alignment, bytes ? bytes : alignment) != 0) return NULL;
  memset(p, 0, bytes);
  return p;
}

void zos_memory_free(void *memory) { free(memory); }

OrtStatus *zos_value_create(const OrtMemoryInfo *info, void *data, size_t bytes,
                            const int64_t *dims, size_t rank, int dtype, OrtValue **value) {
  typedef OrtStatus *(*fn)(const OrtMemoryInfo *, void *, size_t, const int64_t *, size_t, int,
                           OrtValue **);
  return ORT(CreateTensorWithDataAsOrtValue, fn)(info, data, bytes, dims, rank, dtype, value);
}

OrtStatus *zos_value_describe(OrtValue *value, int *dtype, int64_t dims[8], size_t *rank,
                              void **data) {
  typedef OrtStatus *(*get_info)(const OrtValue *, void **);
  typedef OrtStatus *(*get_count)(const void *, size_t *);
  typedef OrtStatus *(*get_dims)(const void *, int64_t *, size_t);
  void *info = NULL;
  OrtStatus *s = ORT(GetTensorTypeAndShape, get_info)(value, &info);
  if (s != NULL) return s;
  s = ORT(GetTensorElementType, OrtStatus * (*)(const void *, int *))(info, dtype);
  if (s == NULL) s = ORT(GetDimensionsCount, get_count)(info, rank);
  if (s == NULL) s = ORT(GetDimensions, get_dims)(info, dims, *rank < 8 ? *rank : 8);
  ORT(ReleaseTensorTypeAndShapeInfo, void (*)(void *))(info);
  if (s != NULL) return s;
  return ORT(GetTensorMutableData, OrtStatus * (*)(OrtValue *, void **))(value, data);
}

void zos_value_release(OrtValue *value) { ORT(ReleaseValue, void (*)(OrtValue *))(value); }

zos_binding *zos_binding_new(size_t inputs, size_t outputs) {
  zos_binding *b = calloc(1, sizeof *b);
  b->inputs = inputs;
  b->outputs = outputs;
  b->in = calloc(inputs + 1, sizeof *b->in);
  b->out = calloc(outputs + 1, sizeof *b->out);
  b->bound = calloc(outputs + 1, sizeof *b->bound);
  b->in_names = calloc(inputs + 1, sizeof *b->in_names);
  b->out_names = calloc(outputs + 1, sizeof *b->out_names);
  return b;
}

void zos_binding_input(zos_binding *b, size_t i, const char *name, const OrtValue *value) {
  b->in[i] = value;
  b->in_names[i] = strdup(name);
}

void zos_binding_output(zos_binding *b, size_t i, const char *name, OrtValue *value) {
  b->out[i] = value;
  b->bound[i] = value != NULL;
  b->out_names[i] = strdup(name);
}

OrtValue *zos_binding_take(zos_binding *b, size_t i) {
  OrtValue *v = b->out[i];
  b->out[i] = NULL;
  return v;
}

// drop releases the outputs that ONNX Runtime allocated in the last run.
static void drop(zos_binding *b) {
  for (size_t i = 0; i < b->outputs; i++) {
    if (b->bound[i] || b->out[i] == NULL) continue;
    zos_value_release(b->out[i]);
    b->out[i] = NULL;
  }
}

void zos_binding_free(zos_binding *b) {
  drop(b);
  for (size_t i = 0; i < b->inputs; i++) free(b->in_names[i]);
  for (size_t i = 0; i < b->outputs; i++) free(b->out_names[i]);
  free(b->in);
  free(b->out);
  free(b->bound);
  free(b->in_names);
  free(b->out_names);
  free(b);
}

OrtStatus *zos_run(OrtSession *session, const OrtRunOptions *options, zos_binding *b, bool keep) {
  typedef OrtStatus *(*fn)(OrtSession *, const OrtRunOptions *, const char *const *,
                           const OrtValue *const *, size_t, const char *const *, size_t,
                           OrtValue **);
  OrtStatus *s = ORT(Run, fn)(session, options, (const char *const *)b->in_names, b->in, b->inputs,
                              (const char *const *)b->out_names, b->outputs, b->out);
  if (s != NULL || !keep) drop(b);
  return s;
}

OrtStatus *zos_on_host(const OrtSession *session, bool outputs, size_t count, bool *host) {
  typedef OrtStatus *(*fn)(const OrtSession *, const OrtMemoryInfo **, size_t);
  typedef OrtStatus *(*get_name)(const OrtMemoryInfo *, const char **);
  const OrtMemoryInfo **list = calloc(count + 1, sizeof *list);
  OrtStatus *s = outputs ? ORT(SessionGetMemoryInfoForOutputs, fn)(session, list, count)
                         : ORT(SessionGetMemoryInfoForInputs, fn)(session, list, count);
  for (size_t i = 0; i < count && s == NULL; i++) {
    const char *name = "Cpu";
    if (list[i] != NULL) s = ORT(MemoryInfoGetName, get_name)(list[i], &name);
    host[i] = strcmp(name, "Cpu") == 0 || strcmp(name, "CudaPinned") == 0;
  }
  free(list);
  return s;
}

OrtStatus *zos_run_setting(OrtRunOptions *options, const char *key, const char *value) {
  return ORT(AddRunConfigEntry, OrtStatus * (*)(OrtRunOptions *, const char *, const char *))(options, key, value);
}

OrtStatus *zos_train_step(OrtTrainingSession *session, zos_binding *b) {
  typedef OrtStatus *(*fn)(OrtTrainingSession *, const OrtRunOptions *, size_t,
                           const OrtValue *const *, size_t, OrtValue **);
  OrtStatus *s = TRAINING(TrainStep, fn)(session, NULL, b->inputs, b->in, b->outputs, b->out);
  drop(b);
  return s;
}

OrtStatus *zos_eval_step(const OrtTrainingSession *session, zos_binding *b) {
  typedef OrtStatus *(*fn)(const OrtTrainingSession *, const OrtRunOptions *, size_t,
                           const OrtValue *const *, size_t, OrtValue **);
  OrtStatus *s = TRAINING(EvalStep, fn)(session, NULL, b->inputs, b->in, b->outputs, b->out);
  drop(b);
  return s;
}

OrtStatus *zos_profiling_start(const OrtSession *session, uint64_t *nanoseconds) {
  return ORT(SessionGetProfilingStartTimeNs, OrtStatus * (*)(const OrtSession *, uint64_t *))(session, nanoseconds);
}

OrtStatus *zos_stats(const OrtSession *session, const char *device, int id,
                     OrtKeyValuePairs **pairs) {
  typedef OrtStatus *(*create)(const OrtSession *, const OrtMemoryInfo *, OrtAllocator **);
  typedef OrtStatus *(*get_stats)(const OrtAllocator *, OrtKeyValuePairs **);
  OrtMemoryInfo *info = NULL;
  OrtAllocator *allocator = NULL;
  OrtStatus *s = zos_memory_info(device, id, &info);
  if (s != NULL) return s;
  s = ORT(CreateAllocator, create)(session, info, &allocator);
  zos_memory_info_release(info);
  if (s != NULL) return s;
  s = ORT(AllocatorGetStats, get_stats)(allocator, pairs);
  ORT(ReleaseAllocator, void (*)(OrtAllocator *))(allocator);
  return s;
}

void zos_pairs(const OrtKeyValuePairs *pairs, const char *const **keys,
               const char *const **values, size_t *count) {
  typedef void (*fn)(const OrtKeyValuePairs *, const char *const **, const char *const **,
                     size_t *);
  ORT(GetKeyValuePairs, fn)(pairs, keys, values, count);
}

void zos_pairs_release(OrtKeyValuePairs *pairs) {
  ORT(ReleaseKeyValuePairs, void (*)(OrtKeyValuePairs *))(pairs);
}

OrtStatus *zos_domain_create(const char *name, OrtCustomOpDomain **domain) {
  typedef OrtStatus *(*fn)(const char *, OrtCustomOpDomain **);
  return ORT(CreateCustomOpDomain, fn)(name, domain);
}

OrtStatus *zos_domain_add(OrtCustomOpDomain *domain, const OrtCustomOp *op) {
  typedef OrtStatus *(*fn)(OrtCustomOpDomain *, const OrtCustomOp *);
  return ORT(CustomOpDomain_Add, fn)(domain, op);
}

OrtStatus *zos_domain_register(OrtSessionOptions *options, OrtCustomOpDomain *domain) {
  typedef OrtStatus *(*fn)(OrtSessionOptions *, OrtCustomOpDomain *);
  return ORT(AddCustomOpDomain, fn)(options, domain);
}

void zos_domain_release(OrtCustomOpDomain *domain) {
  ORT(ReleaseCustomOpDomain, void (*)(OrtCustomOpDomain *))(domain);
}
