// The training API: checkpoint states and training sessions.
#include "api.h"
#include "call.h"

#include <string.h>

OrtStatus *zos_state_load(const void *bytes, size_t size, OrtCheckpointState **state) {
  typedef OrtStatus *(*fn)(const void *, size_t, OrtCheckpointState **);
  return TRAINING(LoadCheckpointFromBuffer, fn)(bytes, size, state);
}

OrtStatus *zos_state_save(OrtCheckpointState *state, const char *path) {
  typedef OrtStatus *(*fn)(OrtCheckpointState *, const char *, bool);
  return TRAINING(SaveCheckpoint, fn)(state, path, false);
}

OrtStatus *zos_state_get(const OrtCheckpointState *state, const char *name,
                         OrtAllocator *allocator, void *data, size_t bytes) {
  typedef OrtStatus *(*fn)(const OrtCheckpointState *, const char *, OrtAllocator *, OrtValue **);
  OrtValue *value = NULL;
  OrtStatus *s = TRAINING(GetParameter, fn)(state, name, allocator, &value);
  if (s != NULL) return s;
  void *from = NULL;
  s = ORT(GetTensorMutableData, OrtStatus * (*)(OrtValue *, void **))(value, &from);
  if (s == NULL) memcpy(data, from, bytes);
  zos_value_release(value);
  return s;
}

OrtStatus *zos_state_set(OrtCheckpointState *state, const char *name, const OrtMemoryInfo *info,
                         void *data, size_t bytes, const int64_t *dims, size_t rank, int dtype) {
  typedef OrtStatus *(*fn)(OrtCheckpointState *, const char *, OrtValue *);
  OrtValue *value = NULL;
  OrtStatus *s = zos_value_create(info, data, bytes, dims, rank, dtype, &value);
  if (s != NULL) return s;
  s = TRAINING(UpdateParameter, fn)(state, name, value);
  zos_value_release(value);
  return s;
}

void zos_state_release(OrtCheckpointState *state) {
  TRAINING(ReleaseCheckpointState, void (*)(OrtCheckpointState *))(state);
}

OrtStatus *zos_trainer_create(const OrtEnv *env, const OrtSessionOptions *options,
                              OrtCheckpointState *state, zos_bytes train, zos_bytes eval,
                              zos_bytes optimizer, OrtTrainingSession **session) {
  typedef OrtStatus *(*fn)(const OrtEnv *, const OrtSessionOptions *, OrtCheckpointState *,
                           const void *, size_t, const void *, size_t, const void *, size_t,
                           OrtTrainingSession **);
  return TRAINING(CreateTrainingSessionFromBuffer, fn)(env, options, state, train.data, train.size,
                                                       eval.data, eval.size, optimizer.data,
                                                       optimizer.size, session);
}

OrtStatus *zos_trainer_count(const OrtTrainingSession *session, bool output, size_t *count) {
  typedef OrtStatus *(*fn)(const OrtTrainingSession *, size_t *);
  if (output) return TRAINING(TrainingSessionGetTrainingModelOutputCount, fn)(session, count);
  return TRAINING(TrainingSessionGetTrainingModelInputCount, fn)(session, count);
}

OrtStatus *zos_trainer_name(const OrtTrainingSession *session, bool output, size_t i,
                            OrtAllocator *allocator, char **name) {
  typedef OrtStatus *(*fn)(const OrtTrainingSession *, size_t, OrtAllocator *, char **);
  if (output) {
    return TRAINING(TrainingSessionGetTrainingModelOutputName, fn)(session, i, allocator, name);
  }
  return TRAINING(TrainingSessionGetTrainingModelInputName, fn)(session, i, allocator, name);
}

OrtStatus *zos_optimizer_step(OrtTrainingSession *session) {
  typedef OrtStatus *(*fn)(OrtTrainingSession *, const OrtRunOptions *);
  return TRAINING(OptimizerStep, fn)(session, NULL);
}

OrtStatus *zos_reset_grad(OrtTrainingSession *session) {
  return TRAINING(LazyResetGrad, OrtStatus * (*)(OrtTrainingSession *))(session);
}

OrtStatus *zos_set_rate(OrtTrainingSession *session, float rate) {
  return TRAINING(SetLearningRate, OrtStatus * (*)(OrtTrainingSession *, float))(session, rate);
}

void zos_trainer_release(OrtTrainingSession *session) {
  TRAINING(ReleaseTrainingSession, void (*)(OrtTrainingSession *))(session);
}
