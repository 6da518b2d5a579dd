// The pool of host memory as an allocator of ONNX Runtime.
#include "allocator.h"
#include "hostpool.h"

static OrtMemoryInfo *described;  // NULL: not registered

static void *alloc(allocator *self, size_t bytes) {
  void *p = bytes > 0 ? zos_host_alloc(bytes) : NULL;
  if (p == NULL && bytes > 0) zos_bad_alloc();
  return p;
}
static void give_back(allocator *self, void *p) { zos_host_free(p); }
static const OrtMemoryInfo *info(const allocator *self) { return described; }

OrtStatus *zos_host_register(OrtEnv *env) {
  static allocator self = {18, alloc, give_back, info, alloc};
  return zos_register(env, &self, "Cpu", 0, &described);
}

OrtStatus *zos_host_unregister(OrtEnv *env) {
  OrtStatus *s = zos_unregister(env, &described);
  zos_host_trim();
  return s;
}
