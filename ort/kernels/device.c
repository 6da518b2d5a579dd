#include "device.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// The functions of libcuda.so.1 that the operators use. 0 is success.
static struct {
  void *library;
  const char *provider;
  const device_image *images;
  int count;
  void *(*alloc)(size_t);
  void (*give_back)(void *);
  int (*init)(unsigned);
  int (*device)(int *);
  int (*attribute)(int *, int, int);
  int (*load)(void **, const void *);
  int (*function)(void **, void *, const char *);
  int (*launch)(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *,
                void **, void **);
} driver;

// The kernels are loaded by the first node that runs: ONNX Runtime has made its context current on the
// thread then.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
typedef struct {
  const char *name;
  void *function;
} kernel_function;
static struct {
  void *module;
  kernel_function known[2];
} loaded[2];  // for float and for bfloat16 images

const char *device_provider(const custom_op *op) { return (void)op, driver.provider; }

static int find(void *to, const char *name) {
  void *f = dlsym(driver.library, name);
  memcpy(to, &f, sizeof f);
  return f != NULL;
}

// spoilt is memory for the stand-in, full of NaN: what a kernel reads before it is written shows.
static void *spoilt(size_t bytes) {
  void *p = malloc(bytes);
  return p == NULL ? NULL : memset(p, 0xff, bytes);
}

const char *device_use(const char *path, const char *provider, const device_image *images, int count,
                       void *(*alloc)(size_t), void (*give_back)(void *)) {
  void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  if (library == NULL) return dlerror();
  if (library != driver.library) {
    memset(loaded, 0, sizeof loaded);
  }
  driver.library = library;
  driver.provider = provider;
  driver.images = images;
  driver.count = count;
  driver.alloc = provider == NULL ? spoilt : alloc;
  driver.give_back = provider == NULL ? free : give_back;
  if (!find(&driver.init, "cuInit") || !find(&driver.device, "cuCtxGetDevice") ||
      !find(&driver.attribute, "cuDeviceGetAttribute") || !find(&driver.load, "cuModuleLoadData") ||
      !find(&driver.function, "cuModuleGetFunction") || !find(&driver.launch, "cuLaunchKernel"))
    return "the driver lacks a function";
  return NULL;
}

// image chooses code for a capability: of its generation, the latest that it is not older than; else PTX.
static const void *image(int capability, int narrow) {
  const device_image *best = NULL;
  for (int i = 0; i < driver.count; i++) {
    const device_image *m = &driver.images[i];
    if (m->narrow != narrow || m->capability > capability || (!m->ptx && m->capability / 10 != capability / 10)) continue;
    if (best == NULL || best->ptx || (!m->ptx && m->capability > best->capability)) best = m;
  }
  return best == NULL ? NULL : best->data;
}

static ort_status load(const op_kernel *k, int narrow) {
  enum { major = 75, minor = 76 };  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*
  int device, high, low, failed;
  if ((failed = driver.init(0)) || (failed = driver.device(&device)) ||
      (failed = driver.attribute(&high, major, device)) || (failed = driver.attribute(&low, minor, device)))
    return op_fail(k, "kernels: the driver gives error %d", failed);
  const void *code = image(10 * high + low, narrow);
  if (code == NULL) return op_fail(k, "kernels: none for compute capability %d.%d", high, low);
  failed = driver.load(&loaded[narrow].module, code);
  return failed ? op_fail(k, "kernels: loading gives error %d of the driver", failed) : NULL;
}

// function finds a kernel of a module. The caller holds the lock.
static ort_status function(const op_kernel *k, int narrow, const char *name, void **f) {
  enum { most = sizeof loaded[0].known / sizeof loaded[0].known[0] };
  kernel_function *known = loaded[narrow].known;
  int i = 0;
  while (i < most && known[i].name != NULL && strcmp(known[i].name, name) != 0) i++;
  if (i == most) return op_fail(k, "kernels: more than %d", most);
  if (known[i].name == NULL) {
    if (loaded[narrow].module == NULL) TRY(load(k, narrow));
    int failed = driver.function(&known[i].function, loaded[narrow].module, name);
    if (failed) return op_fail(k, "kernels: %s gives error %d of the driver", name, failed);
    known[i].name = name;
  }
  *f = known[i].function;
  return NULL;
}

ort_status device_launch(const op_kernel *k, void *context, int narrow, size_t blocks, const zos_long_table *table) {
  typedef ort_status (*get_stream)(const void *, void **);
  void *f = NULL, *stream = NULL, *list[] = {(void *)table};
  static const char *const names[2][2] = {{"zos_run_few", "zos_run_many"},
                                          {"zos_run_few_bfloat16", "zos_run_many_bfloat16"}};
  const char *name = names[narrow][table->count > zos_few];
  if (driver.provider != NULL)
    TRY(((get_stream)k->api[api_KernelContext_GetGPUComputeStream])(context, &stream));
  pthread_mutex_lock(&lock);
  ort_status s = function(k, narrow, name, &f);
  pthread_mutex_unlock(&lock);
  if (s != NULL) return s;
  int failed = driver.launch(f, (unsigned)blocks, 1, 1, zos_threads, 1, 1, 0, stream, list, NULL);
  return failed ? op_fail(k, "%s: launching gives error %d of the driver", name, failed) : NULL;
}

ort_status device_scratch(const op_kernel *k, size_t bytes, void **scratch) {
  *scratch = driver.alloc(bytes);
  return *scratch == NULL ? op_fail(k, "kernels: out of memory for %zu bytes to work in", bytes) : NULL;
}

void device_give(void *scratch) { driver.give_back(scratch); }
