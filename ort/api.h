// The parts of ONNX Runtime's C API that this package uses, declared here by position. No header of
// ONNX Runtime is copied: both function tables are append-only, so a function keeps its position
// for ever, and a test calls each of them (api_test.go lists them).
#ifndef ZOS_ORT_API_H
#define ZOS_ORT_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ZOS_API_VERSION is the requested API: 28 belongs to ONNX Runtime 1.28.
#define ZOS_API_VERSION 28

// Opaque handles. The Go type that owns a handle says so.
typedef struct OrtStatus OrtStatus;
typedef struct OrtEnv OrtEnv;
typedef struct OrtValue OrtValue;
typedef struct OrtSession OrtSession;
typedef struct OrtRunOptions OrtRunOptions;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtAllocator OrtAllocator;
typedef struct OrtKeyValuePairs OrtKeyValuePairs;
typedef struct OrtArenaCfg OrtArenaCfg;
typedef struct OrtCUDAProviderOptionsV2 OrtCUDAProviderOptionsV2;
typedef struct OrtCustomOp OrtCustomOp;
typedef struct OrtCustomOpDomain OrtCustomOpDomain;
typedef struct OrtCheckpointState OrtCheckpointState;
typedef struct OrtTrainingSession OrtTrainingSession;

// Positions in struct OrtApi (onnxruntime_c_api.h).
enum {
  zos_GetErrorCode = 1,
  zos_GetErrorMessage = 2,
  zos_CreateEnv = 3,
  zos_Run = 9,
  zos_CreateCustomOpDomain = 26,
  zos_CustomOpDomain_Add = 27,
  zos_AddCustomOpDomain = 28,
  zos_CreateTensorWithDataAsOrtValue = 49,
  zos_GetTensorMutableData = 51,
  zos_GetTensorElementType = 60,
  zos_GetDimensionsCount = 61,
  zos_GetDimensions = 62,
  zos_GetTensorTypeAndShape = 65,
  zos_CreateMemoryInfo = 68,
  zos_MemoryInfoGetName = 71,
  zos_AllocatorFree = 76,
  zos_GetAllocatorWithDefaultOptions = 78,
  zos_ReleaseEnv = 92,
  zos_ReleaseStatus = 93,
  zos_ReleaseMemoryInfo = 94,
  zos_ReleaseValue = 96,
  zos_ReleaseTensorTypeAndShapeInfo = 99,
  zos_ReleaseCustomOpDomain = 101,
  zos_GetAvailableProviders = 125,
  zos_ReleaseAvailableProviders = 126,
  zos_CreateAllocator = 131,
  zos_ReleaseAllocator = 132,
  zos_CreateAndRegisterAllocator = 144,
  zos_SessionGetProfilingStartTimeNs = 146,
  zos_ReleaseArenaCfg = 157,
  zos_CreateArenaCfgV2 = 164,
  zos_AddRunConfigEntry = 165,
  zos_RegisterAllocator = 176,
  zos_UnregisterAllocator = 177,
  zos_GetTrainingApi = 219,
  zos_GetBuildInfoString = 254,
  zos_UpdateCUDAProviderOptionsWithValue = 263,
  zos_GetKeyValuePairs = 298,
  zos_ReleaseKeyValuePairs = 300,
  zos_AllocatorGetStats = 319,
  zos_SessionGetMemoryInfoForInputs = 380,
  zos_SessionGetMemoryInfoForOutputs = 381,
};

// Positions in struct OrtTrainingApi (onnxruntime_training_c_api.h).
enum {
  zos_SaveCheckpoint = 1,
  zos_CreateTrainingSessionFromBuffer = 3,
  zos_TrainingSessionGetTrainingModelOutputCount = 4,
  zos_TrainingSessionGetTrainingModelOutputName = 6,
  zos_LazyResetGrad = 8,
  zos_TrainStep = 9,
  zos_EvalStep = 10,
  zos_SetLearningRate = 11,
  zos_OptimizerStep = 13,
  zos_ReleaseTrainingSession = 19,
  zos_ReleaseCheckpointState = 20,
  zos_TrainingSessionGetTrainingModelInputCount = 23,
  zos_TrainingSessionGetTrainingModelInputName = 25,
  zos_LoadCheckpointFromBuffer = 29,
  zos_UpdateParameter = 31,
  zos_GetParameter = 32,
};

typedef const void *const *zos_table;

// zos_library is a loaded shared library and its two function tables.
typedef struct {
  void *handle;
  zos_table api;       // struct OrtApi
  zos_table training;  // struct OrtTrainingApi
  const char *version;
} zos_library;

// Outcomes of zos_load.
enum { zos_ok, zos_no_file, zos_no_base, zos_no_api, zos_no_training };

// zos_load opens the library. Whatever the outcome, the caller must give the handle to zos_unload,
// or to zos_use, which keeps it. The loader's complaint goes to message (cut to size).
int zos_load(const char *path, zos_library *out, char *message, size_t size);
void zos_unload(zos_library *lib);
void zos_use(const zos_library *lib);
const char *zos_build_info(const zos_library *lib);
OrtStatus *zos_providers(const zos_library *lib, char ***names, int *count);
void zos_free_providers(const zos_library *lib, char **names, int count);

int zos_status_code(const OrtStatus *status);
const char *zos_status_message(const OrtStatus *status);
void zos_status_release(OrtStatus *status);

OrtStatus *zos_env_create(OrtEnv **env);
void zos_env_release(OrtEnv *env);
OrtStatus *zos_memory_info(const char *device, int id, OrtMemoryInfo **info);
void zos_memory_info_release(OrtMemoryInfo *info);
OrtStatus *zos_default_allocator(OrtAllocator **allocator);

// An arena of the environment that splits every free chunk, so that it counts requested memory.
void zos_trim(void);  // gives unused heap back
OrtStatus *zos_arena_register(OrtEnv *env, const OrtMemoryInfo *info);
OrtStatus *zos_arena_unregister(OrtEnv *env, const OrtMemoryInfo *info);

// The pool of hostpool.h as the environment's allocator of host memory.
OrtStatus *zos_host_register(OrtEnv *env);
OrtStatus *zos_host_unregister(OrtEnv *env);

// An allocator of host memory that writes down what is in use. zos_ledger_take gives the caller what was
// written since the last call; zos_memory_free frees it.
typedef struct {
  int64_t nanoseconds;  // since 1970
  int64_t bytes;
} zos_entry;
OrtStatus *zos_ledger_register(OrtEnv *env);
OrtStatus *zos_ledger_unregister(OrtEnv *env);
size_t zos_ledger_take(zos_entry **uses);

// Tensors. zos_memory is zeroed, 64-byte aligned memory; zos_memory_free frees it.
void *zos_memory(size_t bytes);
void zos_memory_free(void *memory);
OrtStatus *zos_value_create(const OrtMemoryInfo *info, void *data, size_t bytes,
                            const int64_t *dims, size_t rank, int dtype, OrtValue **value);
// zos_value_describe returns the type, up to 8 dimensions and the data address of a tensor.
OrtStatus *zos_value_describe(OrtValue *value, int *dtype, int64_t dims[8], size_t *rank,
                              void **data);
void zos_value_release(OrtValue *value);

// zos_binding is the fixed set of inputs and outputs of repeated runs. ONNX Runtime allocates an
// output without a bound tensor in each run.
typedef struct {
  size_t inputs, outputs;
  const OrtValue **in;
  OrtValue **out;
  bool *bound;
  char **in_names, **out_names;
} zos_binding;

zos_binding *zos_binding_new(size_t inputs, size_t outputs);
void zos_binding_input(zos_binding *b, size_t i, const char *name, const OrtValue *value);
void zos_binding_output(zos_binding *b, size_t i, const char *name, OrtValue *value);
OrtValue *zos_binding_take(zos_binding *b, size_t i);
void zos_binding_free(zos_binding *b);

// Inference. keep leaves the outputs that ONNX Runtime allocated in the binding.
OrtStatus *zos_run(OrtSession *session, const OrtRunOptions *options, zos_binding *b, bool keep);
// zos_on_host tells of every input or output whether it belongs into host memory.
OrtStatus *zos_on_host(const OrtSession *session, bool outputs, size_t count, bool *host);
OrtStatus *zos_run_setting(OrtRunOptions *options, const char *key, const char *value);
OrtStatus *zos_stats(const OrtSession *session, const char *device, int id,
                     OrtKeyValuePairs **pairs);
OrtStatus *zos_profiling_start(const OrtSession *session, uint64_t *nanoseconds);
void zos_pairs(const OrtKeyValuePairs *pairs, const char *const **keys,
               const char *const **values, size_t *count);
void zos_pairs_release(OrtKeyValuePairs *pairs);

// Custom operator domains.
OrtStatus *zos_domain_create(const char *name, OrtCustomOpDomain **domain);
OrtStatus *zos_domain_add(OrtCustomOpDomain *domain, const OrtCustomOp *op);
OrtStatus *zos_domain_register(OrtSessionOptions *options, OrtCustomOpDomain *domain);
void zos_domain_release(OrtCustomOpDomain *domain);

// Training. Without a model for evaluation and one for the optimiser, the program updates its own
// parameters.
typedef struct {
  const void *data;
  size_t size;
} zos_bytes;

OrtStatus *zos_state_load(const void *bytes, size_t size, OrtCheckpointState **state);
OrtStatus *zos_state_save(OrtCheckpointState *state, const char *path);
OrtStatus *zos_state_get(const OrtCheckpointState *state, const char *name,
                         OrtAllocator *allocator, void *data, size_t bytes);
OrtStatus *zos_state_set(OrtCheckpointState *state, const char *name, const OrtMemoryInfo *info,
                         void *data, size_t bytes, const int64_t *dims, size_t rank, int dtype);
void zos_state_release(OrtCheckpointState *state);
OrtStatus *zos_trainer_create(const OrtEnv *env, const OrtSessionOptions *options,
                              OrtCheckpointState *state, zos_bytes train, zos_bytes eval,
                              zos_bytes optimizer, OrtTrainingSession **session);
OrtStatus *zos_trainer_count(const OrtTrainingSession *session, bool output, size_t *count);
OrtStatus *zos_trainer_name(const OrtTrainingSession *session, bool output, size_t i,
                            OrtAllocator *allocator, char **name);
OrtStatus *zos_allocator_free(OrtAllocator *allocator, void *p);
OrtStatus *zos_train_step(OrtTrainingSession *session, zos_binding *b);
OrtStatus *zos_eval_step(const OrtTrainingSession *session, zos_binding *b);
OrtStatus *zos_optimizer_step(OrtTrainingSession *session);
OrtStatus *zos_reset_grad(OrtTrainingSession *session);
OrtStatus *zos_set_rate(OrtTrainingSession *session, float rate);
void zos_trainer_release(OrtTrainingSession *session);

#endif
