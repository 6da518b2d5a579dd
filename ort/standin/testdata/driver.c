// A stand-in for libcuda.so.1, the driver, with one device. STANDIN_ERROR is its error. A module is our
// kernels, whatever image is loaded: launching one runs its text on this processor, to the end, or does
// nothing where STANDIN_IDLE is set.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

#include "counts.h"
#include "emulate.h"

#include "kernels.cu"

// Hidden, as several of these libraries may be loaded.
__attribute__((visibility("hidden")))
int emu_launch_bfloat16(void (*kernel)(const void *), unsigned n, unsigned threads, const void *arguments);

int cuInit(unsigned flags) {
  const char *s = getenv("STANDIN_ERROR");
  return s ? atoi(s) : 0;
}
int cuDeviceGetCount(int *n) { *n = 1; return 0; }
int cuDeviceGetName(char *name, int size, int device) {
  strncpy(name, "stand-in for a GPU", size);
  return 0;
}
int cuDeviceGetUuid_v2(unsigned char *uuid, int device) {
  for (int i = 0; i < 16; i++) uuid[i] = 17 * i;
  return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) {
  const char *s = getenv("STANDIN_BYTES");
  *bytes = s ? strtoull(s, NULL, 10) : 8000000000u;
  return 0;
}

// Compute capability 9.0, like libcudart.so.13.
int cuCtxGetDevice(int *device) { *device = 0; return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = attribute == 75 ? 9 : 0;
  return 0;
}

// cuModuleLoadData takes code for sm_90 alone: an ELF file for NVIDIA's processors (machine 190) whose
// flags hold the number.
int cuModuleLoadData(void **module, const void *image) {
  const unsigned char *elf = image;
  if (memcmp(elf, "\177ELF", 4) != 0 || elf[18] != 190) return 200;  // CUDA_ERROR_INVALID_IMAGE
  if (elf[49] != 90) return 209;  // CUDA_ERROR_NO_BINARY_FOR_GPU
  *module = (void *)image;
  return 0;
}

// A function of a module.
typedef struct {
  void (*f)(const void *);
  int (*launch)(void (*)(const void *), unsigned, unsigned, const void *);
} own_function;

int cuModuleGetFunction(void **f, void *module, const char *name) {
  static own_function functions[8];
  char full[64];
  Dl_info self;
  own_function *o = functions;
  snprintf(full, sizeof full, "emulated_%s", name);
  if (!dladdr((void *)emu_launch, &self)) return 500;  // this library, if several are loaded
  void *library = dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  void (*found)(const void *) = library ? (void (*)(const void *))dlsym(library, full) : NULL;
  if (found == NULL) return 500;  // CUDA_ERROR_NOT_FOUND
  while (o->f != NULL && o->f != found) o++;
  o->f = found;
  o->launch = strstr(name, "_bfloat16") ? emu_launch_bfloat16 : emu_launch;
  *f = o;
  return 0;
}

typedef struct {
  own_function *function;
  unsigned x, threads;
  zos_long_table table;  // or what there is of it
} own_launch;

static int run_own(void *data) {
  const own_launch *l = data;
  return getenv("STANDIN_IDLE") ? 0 : l->function->launch(l->function->f, l->x, l->threads, &l->table);
}

// A launch on a stream that libcudart's stand-in records is recorded there.
int cuLaunchKernel(void *f, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned ty, unsigned tz,
                   unsigned shared, void *stream, void **arguments, void **extra) {
  static void *first;
  const zos_long_table *table = arguments[0];
  own_launch l = {.function = f, .x = x, .threads = threads, .table.count = table->count};
  memcpy(l.table.jobs, table->jobs, sizeof *table->jobs * table->count);
  if (y != 1) return 1;
  if (first == NULL) first = stream;
  if (stream == NULL || stream != first) count[strays]++;
  int (*record)(int (*)(void *), const void *, size_t) = NULL;
  if (count[capturing]) record = (int (*)(int (*)(void *), const void *, size_t))dlsym(RTLD_DEFAULT, "standin_record");
  if (record != NULL) return record(run_own, &l, sizeof l);
  count[kernels]++;
  count[own_kernels]++;
  return run_own(&l);
}
