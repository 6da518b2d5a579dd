// Loading the shared library, its description, the environment, status and memory.
#include "api.h"
#include "call.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <string.h>

zos_table zos_api, zos_training;

// OrtApiBase is what OrtGetApiBase returns: two functions, in every version.
typedef struct {
  zos_table (*get_api)(uint32_t version);
  const char *(*version)(void);
} api_base;

int zos_load(const char *path, zos_library *out, char *message, size_t size) {
  memset(out, 0, sizeof *out);
  out->handle = dlopen(path, RTLD_LAZY);
  if (out->handle == NULL) {
    const char *why = dlerror();
    snprintf(message, size, "%s", why ? why : "unknown");
    return zos_no_file;
  }
  const api_base *(*base)(void) = (const api_base *(*)(void))dlsym(out->handle, "OrtGetApiBase");
  const api_base *b = base ? base() : NULL;
  if (b == NULL || b->get_api == NULL || b->version == NULL) return zos_no_base;
  out->version = b->version();
  out->api = b->get_api(ZOS_API_VERSION);
  if (out->api == NULL) return zos_no_api;
  zos_table (*training)(uint32_t) = CALL(out->api, GetTrainingApi, zos_table (*)(uint32_t));
  if (training != NULL) out->training = training(ZOS_API_VERSION);
  return out->training == NULL ? zos_no_training : zos_ok;
}

void zos_unload(zos_library *lib) {
  if (lib->handle != NULL) dlclose(lib->handle);
  memset(lib, 0, sizeof *lib);
}

void zos_use(const zos_library *lib) {
  zos_api = lib->api;
  zos_training = lib->training;
}

void zos_trim(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

const char *zos_build_info(const zos_library *lib) {
  const char *(*info)(void) = CALL(lib->api, GetBuildInfoString, const char *(*)(void));
  return info ? info() : "";
}

OrtStatus *zos_providers(const zos_library *lib, char ***names, int *count) {
  OrtStatus *(*get)(char ***, int *) =
      CALL(lib->api, GetAvailableProviders, OrtStatus * (*)(char ***, int *));
  *names = NULL;
  *count = 0;
  return get ? get(names, count) : NULL;
}

void zos_free_providers(const zos_library *lib, char **names, int count) {
  if (names == NULL) return;
  typedef OrtStatus *(*fn)(char **, int);
  OrtStatus *s = CALL(lib->api, ReleaseAvailableProviders, fn)(names, count);
  if (s != NULL) CALL(lib->api, ReleaseStatus, void (*)(OrtStatus *))(s);
}

int zos_status_code(const OrtStatus *s) {
  return ORT(GetErrorCode, int (*)(const OrtStatus *))(s);
}

const char *zos_status_message(const OrtStatus *s) {
  return ORT(GetErrorMessage, const char *(*)(const OrtStatus *))(s);
}

void zos_status_release(OrtStatus *s) { ORT(ReleaseStatus, void (*)(OrtStatus *))(s); }

// The log level 3 (error) matters only for the first environment of a process: later calls share
// that.
OrtStatus *zos_env_create(OrtEnv **env) {
  return ORT(CreateEnv, OrtStatus * (*)(int, const char *, OrtEnv **))(3, "zos-ort", env);
}

void zos_env_release(OrtEnv *env) { ORT(ReleaseEnv, void (*)(OrtEnv *))(env); }

// Allocator type 1 is the arena (if there is one), memory type 0 the default.
OrtStatus *zos_memory_info(const char *device, int id, OrtMemoryInfo **info) {
  return ORT(CreateMemoryInfo, OrtStatus * (*)(const char *, int, int, int, OrtMemoryInfo **))(
      device, 1, id, 0, info);
}

void zos_memory_info_release(OrtMemoryInfo *info) {
  ORT(ReleaseMemoryInfo, void (*)(OrtMemoryInfo *))(info);
}

OrtStatus *zos_default_allocator(OrtAllocator **allocator) {
  return ORT(GetAllocatorWithDefaultOptions, OrtStatus * (*)(OrtAllocator **))(allocator);
}

OrtStatus *zos_arena_register(OrtEnv *env, const OrtMemoryInfo *info) {
  typedef OrtStatus *(*create)(const char *const *, const size_t *, size_t, OrtArenaCfg **);
  typedef OrtStatus *(*enter)(OrtEnv *, const OrtMemoryInfo *, const OrtArenaCfg *);
  const char *key = "max_dead_bytes_per_chunk";
  size_t value = 1;
  OrtArenaCfg *config = NULL;
  OrtStatus *s = ORT(CreateArenaCfgV2, create)(&key, &value, 1, &config);
  if (s != NULL) return s;
  s = ORT(CreateAndRegisterAllocator, enter)(env, info, config);
  ORT(ReleaseArenaCfg, void (*)(OrtArenaCfg *))(config);
  return s;
}

OrtStatus *zos_arena_unregister(OrtEnv *env, const OrtMemoryInfo *info) {
  return ORT(UnregisterAllocator, OrtStatus * (*)(OrtEnv *, const OrtMemoryInfo *))(env, info);
}

OrtStatus *zos_allocator_free(OrtAllocator *allocator, void *p) {
  return ORT(AllocatorFree, OrtStatus * (*)(OrtAllocator *, void *))(allocator, p);
}
