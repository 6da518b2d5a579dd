#include "allocator.h"
#include "call.h"

#include <dlfcn.h>

OrtStatus *zos_register(OrtEnv *env, allocator *a, const char *device, int id, OrtMemoryInfo **info) {
  typedef OrtStatus *(*create)(const char *, int, int, int, OrtMemoryInfo **);
  typedef OrtStatus *(*add)(OrtEnv *, allocator *);
  enum { device_allocator = 0, default_memory = 0 };
  if (*info != NULL) return NULL;
  OrtStatus *s = ORT(CreateMemoryInfo, create)(device, device_allocator, id, default_memory, info);
  if (s != NULL) return s;
  s = ORT(RegisterAllocator, add)(env, a);
  if (s != NULL) {
    zos_memory_info_release(*info);
    *info = NULL;
  }
  return s;
}

OrtStatus *zos_unregister(OrtEnv *env, OrtMemoryInfo **info) {
  if (*info == NULL) return NULL;
  OrtStatus *s = zos_arena_unregister(env, *info);
  zos_memory_info_release(*info);
  *info = NULL;
  return s;
}

void zos_bad_alloc(void) {
  void *library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
  void (*throw)(void) = library ? (void (*)(void))dlsym(library, "_ZSt17__throw_bad_allocv") : NULL;
  if (throw != NULL) throw();
}
