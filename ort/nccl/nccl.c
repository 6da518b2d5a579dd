#include "nccl.h"

#include <dlfcn.h>
#include <stdio.h>

// Numbers of enum cudaMemcpyKind (driver_types.h) and of ncclRedOp_t.
enum { to_device = 1, to_host = 2, sum = 0 };

static struct {
  int (*version)(int *);
  int (*new_id)(zos_nccl_id *);
  int (*init)(void **, int, zos_nccl_id, int);
  int (*allreduce)(const void *, void *, size_t, int, int, void *, void *);
  int (*async_error)(void *, int *);
  int (*abort)(void *);
  const char *(*text)(int);
  int (*use)(int);
  int (*malloc)(void **, size_t);
  int (*free)(void *);
  int (*copy)(void *, const void *, size_t, int, void *);
  int (*wait)(void *);
  const char *(*cuda_text)(int);
  void *comm, *buffer;  // on the device
  size_t room;
  int device;
} nccl;

static const char *missing;

static void *find(void *library, const char *name) {
  void *f = dlsym(library, name);
  if (f == NULL && missing == NULL) missing = name;
  return f;
}

const char *zos_nccl_load(const char *path, const char *cudart) {
  static char message[512];
  void *cuda = dlopen(cudart, RTLD_NOW | RTLD_GLOBAL), *n = cuda ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
  if (n == NULL) {
    const char *why = dlerror();
    snprintf(message, sizeof message, "%s", why ? why : "unknown");
    return message;
  }
  missing = NULL;
  nccl.version = (int (*)(int *))find(n, "ncclGetVersion");
  nccl.new_id = (int (*)(zos_nccl_id *))find(n, "ncclGetUniqueId");
  nccl.init = (int (*)(void **, int, zos_nccl_id, int))find(n, "ncclCommInitRank");
  nccl.allreduce = (int (*)(const void *, void *, size_t, int, int, void *, void *))find(n, "ncclAllReduce");
  nccl.async_error = (int (*)(void *, int *))find(n, "ncclCommGetAsyncError");
  nccl.abort = (int (*)(void *))find(n, "ncclCommAbort");
  nccl.text = (const char *(*)(int))find(n, "ncclGetErrorString");
  nccl.use = (int (*)(int))find(cuda, "cudaSetDevice");
  nccl.malloc = (int (*)(void **, size_t))find(cuda, "cudaMalloc");
  nccl.free = (int (*)(void *))find(cuda, "cudaFree");
  nccl.copy = (int (*)(void *, const void *, size_t, int, void *))find(cuda, "cudaMemcpyAsync");
  nccl.wait = (int (*)(void *))find(cuda, "cudaStreamSynchronize");
  nccl.cuda_text = (const char *(*)(int))find(cuda, "cudaGetErrorString");
  if (missing == NULL) return NULL;
  snprintf(message, sizeof message, "%s: there is no %s", path, missing);
  return message;
}

static const char *of_nccl(int code) { return code ? nccl.text(code) : NULL; }
static const char *of_cuda(int code) { return code ? nccl.cuda_text(code) : NULL; }

const char *zos_nccl_new_id(zos_nccl_id *id) { return of_nccl(nccl.new_id(id)); }

const char *zos_nccl_join(int device, int size, const zos_nccl_id *id, int rank) {
  const char *failed = of_cuda(nccl.use(device));
  nccl.device = device;
  return failed ? failed : of_nccl(nccl.init(&nccl.comm, size, *id, rank));
}

// grow makes room on the device. Vectors of a run come in few sizes, so that the largest is soon there.
static const char *grow(size_t bytes) {
  if (bytes <= nccl.room) return NULL;
  if (nccl.buffer) (void)nccl.free(nccl.buffer);
  nccl.buffer = NULL;
  nccl.room = 0;
  const char *failed = of_cuda(nccl.malloc(&nccl.buffer, bytes));
  if (!failed) nccl.room = bytes;
  return failed;
}

const char *zos_nccl_sum(void *data, size_t count, size_t bytes, int type, void *stream) {
  const char *failed = of_cuda(nccl.use(nccl.device));  // a thread starts on device 0
  if (!failed) failed = grow(bytes);
  if (!failed) failed = of_cuda(nccl.copy(nccl.buffer, data, bytes, to_device, stream));
  if (!failed) failed = of_nccl(nccl.allreduce(nccl.buffer, nccl.buffer, count, type, sum, nccl.comm, stream));
  if (!failed) failed = of_cuda(nccl.copy(data, nccl.buffer, bytes, to_host, stream));
  if (!failed) failed = of_cuda(nccl.wait(stream));
  if (failed) return failed;
  int later = 0;
  failed = of_nccl(nccl.async_error(nccl.comm, &later));
  return failed ? failed : of_nccl(later);
}

int zos_nccl_version(void) {
  int v = 0;
  return nccl.version(&v) ? 0 : v;
}

void zos_nccl_leave(void) {
  if (nccl.comm) (void)nccl.abort(nccl.comm);
  nccl.comm = NULL;
  if (nccl.buffer) (void)nccl.free(nccl.buffer);
  nccl.buffer = NULL;
  nccl.room = 0;
}
