// Allocators that ONNX Runtime takes memory from. Included by the C files only.
#ifndef ZOS_ORT_ALLOCATOR_H
#define ZOS_ORT_ALLOCATOR_H

#include "api.h"

// allocator is the beginning of struct OrtAllocator (onnxruntime_c_api.h), as of version 18.
typedef struct allocator {
  uint32_t version;
  void *(*alloc)(struct allocator *, size_t);
  void (*free)(struct allocator *, void *);
  const OrtMemoryInfo *(*info)(const struct allocator *);
  void *(*reserve)(struct allocator *, size_t);
} allocator;

// zos_register makes an allocator that of the environment for a device. The environment keeps a pointer to
// it, so the allocator lasts as long as the process.
OrtStatus *zos_register(OrtEnv *env, allocator *a, const char *device, int id, OrtMemoryInfo **info);

// zos_unregister takes it back; *info becomes NULL.
OrtStatus *zos_unregister(OrtEnv *env, OrtMemoryInfo **info);

// zos_bad_alloc throws std::bad_alloc through the C++ library that ONNX Runtime has loaded, as ONNX
// Runtime's own allocators do: it uses what an allocator returns without a check.
void zos_bad_alloc(void);

#endif
