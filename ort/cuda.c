#include "cuda.h"
#include "allocator.h"
#include "block.h"
#include "call.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>

void *zos_cuda_load(const char *path, char *message, size_t size) {
  void *handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  if (handle == NULL) {
    const char *why = dlerror();
    snprintf(message, size, "%s", why ? why : "unknown");
  }
  return handle;
}

int zos_cuda_devices(void *driver, int *count) {
  int (*init)(unsigned) = (int (*)(unsigned))dlsym(driver, "cuInit");
  int (*get)(int *) = (int (*)(int *))dlsym(driver, "cuDeviceGetCount");
  if (init == NULL || get == NULL) return -1;
  int failed = init(0);
  return failed ? failed : get(count);
}

int zos_cuda_device(void *driver, int i, char *name, int size, size_t *bytes) {
  int (*get_name)(char *, int, int) = (int (*)(char *, int, int))dlsym(driver, "cuDeviceGetName");
  int (*total)(size_t *, int) = (int (*)(size_t *, int))dlsym(driver, "cuDeviceTotalMem_v2");
  if (get_name == NULL || total == NULL) return -1;
  int failed = get_name(name, size, i);
  return failed ? failed : total(bytes, i);
}

int zos_cuda_uuid(void *driver, int i, unsigned char *uuid) {
  int (*get)(unsigned char *, int) = (int (*)(unsigned char *, int))dlsym(driver, "cuDeviceGetUuid_v2");
  return get == NULL ? -1 : get(uuid, i);
}

// Numbers of enum cudaMemPoolAttr (driver_types.h).
enum { release_threshold = 4, reserved_current = 5, reserved_high = 6, used_current = 7, used_high = 8 };

// pool is the source of all device memory of the process. Allocation is ordered on the stream that
// all sessions compute on, so freed memory may be handed out again at once.
static struct {
  void *library, *memory, *stream;
  int device;
  uint64_t limit;
  atomic_uint_fast64_t refused;
  OrtMemoryInfo *info;  // of the allocator that ONNX Runtime knows; NULL: none
  int (*use)(int);
  int (*malloc_async)(void **, size_t, void *);
  int (*free_async)(void *, void *);
  int (*get)(void *, int, void *);
  int (*set)(void *, int, void *);
  int (*trim)(void *, size_t);
  int (*last_error)(void);
  int (*memory_info)(size_t *, size_t *);
} pool;

int zos_pool_open(void *cudart, int device, uint64_t limit) {
  int (*find)(void **, int) = (int (*)(void **, int))dlsym(cudart, "cudaDeviceGetDefaultMemPool");
  int (*stream)(void **) = (int (*)(void **))dlsym(cudart, "cudaStreamCreate");
  pool.use = (int (*)(int))dlsym(cudart, "cudaSetDevice");
  pool.malloc_async = (int (*)(void **, size_t, void *))dlsym(cudart, "cudaMallocAsync");
  pool.free_async = (int (*)(void *, void *))dlsym(cudart, "cudaFreeAsync");
  pool.get = (int (*)(void *, int, void *))dlsym(cudart, "cudaMemPoolGetAttribute");
  pool.set = (int (*)(void *, int, void *))dlsym(cudart, "cudaMemPoolSetAttribute");
  pool.trim = (int (*)(void *, size_t))dlsym(cudart, "cudaMemPoolTrimTo");
  pool.last_error = (int (*)(void))dlsym(cudart, "cudaGetLastError");
  pool.memory_info = (int (*)(size_t *, size_t *))dlsym(cudart, "cudaMemGetInfo");
  if (pool.use == NULL || find == NULL || stream == NULL || pool.malloc_async == NULL ||
      pool.free_async == NULL || pool.get == NULL || pool.set == NULL || pool.trim == NULL ||
      pool.last_error == NULL || pool.memory_info == NULL)
    return -1;
  pool.library = cudart;
  pool.limit = limit;
  pool.device = device;
  atomic_store(&pool.refused, 0);
  int failed = pool.use(device);
  if (!failed) failed = find(&pool.memory, device);
  if (!failed && pool.stream == NULL) failed = stream(&pool.stream);
  uint64_t keep = UINT64_MAX;  // or every step would ask the driver again
  return failed ? failed : pool.set(pool.memory, release_threshold, &keep);
}

int zos_pool_read(int what, uint64_t *bytes) {
  static const int attribute[] = {used_current, used_high, reserved_high, reserved_current};
  return pool.get(pool.memory, attribute[what], bytes);
}

int zos_pool_reset(void) {
  uint64_t zero = 0;
  atomic_store(&pool.refused, 0);
  int failed = pool.set(pool.memory, used_high, &zero);
  return failed ? failed : pool.set(pool.memory, reserved_high, &zero);
}

int zos_pool_trim(void) { return pool.trim(pool.memory, 0); }

// A thread starts on device 0, and ONNX Runtime may ask for memory on any device.
int zos_pool_enter(void) { return pool.device ? pool.use(pool.device) : 0; }

void *zos_pool_library(void) { return pool.library; }

const OrtMemoryInfo *zos_pool_info(void) { return pool.info; }

int zos_pool_available(size_t *bytes) {
  size_t total;
  int failed = zos_pool_enter();
  return failed ? failed : pool.memory_info(bytes, &total);
}

uint64_t zos_pool_refused(void) { return atomic_load(&pool.refused); }

void *zos_pool_stream(void) { return pool.stream; }

OrtStatus *zos_pool_use_stream(OrtCUDAProviderOptionsV2 *options) {
  typedef OrtStatus *(*update)(OrtCUDAProviderOptionsV2 *, const char *, void *);
  return ORT(UpdateCUDAProviderOptionsWithValue, update)(options, "user_compute_stream", pool.stream);
}

void *zos_pool_alloc(size_t bytes) {
  void *p = NULL;
  uint64_t used = 0;
  if (bytes == 0) return NULL;
  if (zos_block_gives(bytes, &p)) return p;
  int refused = pool.limit && !zos_pool_read(zos_pool_in_use, &used) && used + bytes > pool.limit;
  if (!refused) refused = zos_pool_enter() || pool.malloc_async(&p, bytes, pool.stream) != 0;
  if (!refused) zos_block_notes(p, bytes);
  if (!refused) return p;
  atomic_store(&pool.refused, bytes);
  (void)pool.last_error();  // or the next kernel would be blamed for it
  return NULL;
}

void zos_pool_free(void *p) {
  if (p == NULL || zos_block_takes(p)) return;
  (void)zos_pool_enter();
  (void)pool.free_async(p, pool.stream);
}

// alloc never returns NULL, which ONNX Runtime would use without checking. ONNX Runtime abandons the step
// and says so.
static void *alloc(allocator *self, size_t bytes) {
  void *p = zos_pool_alloc(bytes);
  if (p == NULL && bytes > 0) zos_bad_alloc();
  return p;
}
static void give_back(allocator *self, void *p) { zos_pool_free(p); }
static const OrtMemoryInfo *info(const allocator *self) { return pool.info; }

OrtStatus *zos_pool_register(OrtEnv *env, int device) {
  static allocator self = {18, alloc, give_back, info, alloc};
  return zos_register(env, &self, "Cuda", device, &pool.info);
}

OrtStatus *zos_pool_unregister(OrtEnv *env) { return zos_unregister(env, &pool.info); }
