// A stand-in for libcudart.so.13. Device memory is host memory, copies copy, streams do everything
// at once, and kernels do nothing: memory that no copy wrote holds arbitrary small numbers. Only
// the functions that ONNX Runtime's CUDA provider and zos-ort call are here; names, numbers and
// offsets are those of CUDA 13's headers.
#include <string.h>

#include "counts.h"

enum { success = 0, invalid = 1, out_of_memory = 2, missing_symbol = 500 };

// The card has $STANDIN_BYTES of memory, or 8 GB if that is not set.
static uint64_t capacity(void) {
  const char *s = getenv("STANDIN_BYTES");
  return s ? strtoull(s, NULL, 10) : 8000000000u;
}

// scribble fills new memory with numbers of [0,1).
static void scribble(float *to, size_t bytes) {
  enum { n = 1 << 16 };
  static float pattern[n];
  for (unsigned i = 0, x = 1; pattern[n - 1] == 0 && i < n; i++) {
    x = x * 1664525 + 1013904223;
    pattern[i] = (x >> 8 | 1) * 0x1p-24f;
  }
  for (size_t at = 0; at < bytes; at += sizeof pattern)
    memcpy((char *)to + at, pattern, bytes - at < sizeof pattern ? bytes - at : sizeof pattern);
}

// All work is expected on the first stream.
static char stream[2];
static int streams;

static void work_on(void *s) {
  if (s != &stream[0]) count[strays]++;
}

// Every block is preceded by its size.
enum { header = 256 };

int cudaMalloc(void **p, size_t bytes) {
  if (count[in_use] + bytes > capacity()) return out_of_memory;
  char *block = malloc(bytes + header);
  if (block == NULL) return out_of_memory;
  scribble((float *)(block + header), bytes);
  memcpy(block, &bytes, sizeof bytes);
  count[in_use] += bytes;
  if (count[in_use] > count[peak]) count[peak] = count[in_use];
  *p = block + header;
  return success;
}

int cudaFree(void *p) {
  if (p == NULL) return success;
  char *block = (char *)p - header;
  size_t bytes;
  memcpy(&bytes, block, sizeof bytes);
  count[in_use] -= bytes;
  free(block);
  return success;
}

int cudaMallocAsync(void **p, size_t bytes, void *s) {
  work_on(s);
  return cudaMalloc(p, bytes);
}
int cudaFreeAsync(void *p, void *s) {
  work_on(s);
  return cudaFree(p);
}
int cudaMallocFromPoolAsync(void **p, size_t bytes, void *pool, void *stream) {
  return cudaMalloc(p, bytes);
}
int cudaMemGetInfo(size_t *available, size_t *total) {
  *total = capacity();
  *available = *total - count[in_use];
  return success;
}

// There is one pool. Attributes: 5 reserved, 6 its peak, 7 used, 8 its peak (driver_types.h).
static char pool;
int cudaDeviceGetDefaultMemPool(void **p, int device) { *p = &pool; return success; }
int cudaMemPoolCreate(void **p, const void *properties) { *p = &pool; return success; }
int cudaMemPoolDestroy(void *p) { return success; }
int cudaMemPoolTrimTo(void *p, size_t bytes) { return success; }
int cudaMemPoolGetAttribute(void *p, int attribute, void *value) {
  uint64_t bytes = count[attribute == 6 || attribute == 8 ? peak : in_use];
  memcpy(value, &bytes, sizeof bytes);
  return success;
}
int cudaMemPoolSetAttribute(void *p, int attribute, void *value) {
  if (attribute == 6 || attribute == 8) count[peak] = count[in_use];
  return success;
}

int cudaHostAlloc(void **p, size_t bytes, unsigned flags) {
  *p = calloc(1, bytes);
  return *p ? success : out_of_memory;
}
int cudaMallocHost(void **p, size_t bytes) { return cudaHostAlloc(p, bytes, 0); }
int cudaFreeHost(void *p) { free(p); return success; }

// Kinds of copies: 0 host to host, 1 to the device, 2 to the host, 3 on the device.
int cudaMemcpy(void *to, const void *from, size_t bytes, int kind) {
  memmove(to, from, bytes);
  if (kind >= 1 && kind <= 3) count[kind - 1] += bytes;
  return kind >= 0 && kind <= 3 ? success : invalid;
}
int cudaMemcpyAsync(void *to, const void *from, size_t bytes, int kind, void *s) {
  work_on(s);
  return cudaMemcpy(to, from, bytes, kind);
}
int cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                      size_t height, int kind, void *stream) {
  for (size_t y = 0; y < height; y++)
    cudaMemcpy((char *)to + y * to_pitch, (const char *)from + y * from_pitch, width, kind);
  return success;
}
int cudaMemcpyFromSymbol(void *to, const void *symbol, size_t bytes, size_t offset, int kind) {
  memset(to, 0, bytes);
  return success;
}
int cudaMemset(void *p, int value, size_t bytes) { memset(p, value, bytes); return success; }
int cudaMemsetAsync(void *p, int value, size_t bytes, void *stream) {
  return cudaMemset(p, value, bytes);
}

// Kernels: a launch's configuration passes through the runtime; the launch itself does nothing.
typedef struct { unsigned x, y, z; } dim3;
static __thread void *launch_stream;
unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, void *s) {
  launch_stream = s;
  return success;
}
int __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void **s) {
  *grid = *block = (dim3){1, 1, 1};
  *shared = 0;
  *s = launch_stream;
  return success;
}
int cudaLaunchKernel(const void *f, dim3 grid, dim3 block, void **arguments, size_t shared, void *s) {
  work_on(s);
  count[kernels]++;
  return success;
}
int __cudaLaunchKernel(const void *f, dim3 grid, dim3 block, void **arguments, size_t shared, void *s) {
  return cudaLaunchKernel(f, grid, block, arguments, shared, s);
}
int cudaLaunchKernelExC(const void *config, const void *f, void **arguments) {
  count[kernels]++;
  return success;
}
int cudaLaunchHostFunc(void *stream, void (*f)(void *), void *data) { f(data); return success; }
int __cudaGetKernel(void **kernel, const void *f) { *kernel = (void *)f; return success; }
static void *module;
void **__cudaRegisterFatBinary(void *binary) { return &module; }
void __cudaRegisterFatBinaryEnd(void **handle) {}
void __cudaUnregisterFatBinary(void **handle) {}
void __cudaRegisterFunction(void) {}
void __cudaRegisterVar(void) {}
int cudaFuncGetAttributes(void *attributes, const void *f) {
  memset(attributes, 0, 144);
  *(int *)((char *)attributes + 24) = 1024;  // maxThreadsPerBlock
  return success;
}
int cudaFuncSetAttribute(const void *f, int attribute, int value) { return success; }
int cudaKernelSetAttributeForDevice(void *k, int attribute, int value, int device) { return success; }
int cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, const void *f, int size,
                                                           size_t shared, unsigned flags) {
  *blocks = 2;
  return success;
}
int cudaLibraryLoadData(void) { return invalid; }
int cudaLibraryGetKernel(void) { return invalid; }
int cudaLibraryUnload(void) { return success; }
int cudaGetDriverEntryPointByVersion(const char *name, void **f, unsigned version, uint64_t flags,
                                     int *found) {
  *f = NULL;
  if (found) *found = 1;  // not found
  return missing_symbol;
}

// One device, like a Hopper card.
int cudaGetDeviceCount(int *n) { *n = 1; return success; }
int cudaGetDevice(int *device) { *device = 0; return success; }
int cudaSetDevice(int device) { return device == 0 ? success : invalid; }
int cudaDriverGetVersion(int *version) { *version = 13000; return success; }
int cudaRuntimeGetVersion(int *version) { *version = 13000; return success; }
int cudaDeviceSynchronize(void) { count[waits]++; return success; }
static const int numbers[][3] = {
    // offset in cudaDeviceProp, enum cudaDeviceAttr, value
    {308, 10, 32},      // warpSize
    {320, 1, 1024},     // maxThreadsPerBlock
    {384, 16, 132},     // multiProcessorCount
    {604, 39, 2048},    // maxThreadsPerMultiProcessor
    {296, 8, 49152},    // sharedMemPerBlock
    {624, 81, 233472},  // sharedMemPerMultiprocessor
    {672, 97, 232448},  // sharedMemPerBlockOptin
    {304, 12, 65536},   // regsPerBlock
    {632, 82, 65536},   // regsPerMultiprocessor
    {596, 38, 52428800},// l2CacheSize
    {360, 75, 9},       // major
    {364, 76, 0},       // minor
    {324, 2, 1024}, {328, 3, 1024}, {332, 4, 64},               // maxThreadsDim
    {336, 5, 2147483647}, {340, 6, 65535}, {344, 7, 65535},     // maxGridSize
    {560, 31, 1},       // concurrentKernels
    {0, 115, 1},        // cudaDevAttrMemoryPoolsSupported
};
enum { number_count = sizeof numbers / sizeof numbers[0] };
int cudaGetDeviceProperties(char *p, int device) {
  memset(p, 0, 1008);
  strcpy(p, "stand-in for a GPU");
  uint64_t bytes = capacity();
  memcpy(p + 288, &bytes, sizeof bytes);
  for (int i = 0; i < number_count; i++)
    if (numbers[i][0]) memcpy(p + numbers[i][0], &numbers[i][2], sizeof(int));
  return success;
}
int cudaDeviceGetAttribute(int *value, int attribute, int device) {
  *value = 0;
  for (int i = 0; i < number_count; i++)
    if (numbers[i][1] == attribute) *value = numbers[i][2];
  return success;
}

// Streams and events: everything happens at once, in order.
static char thing;
static int capturing;
int cudaStreamCreate(void **s) {
  *s = &stream[streams++ > 0];
  return success;
}
int cudaStreamCreateWithFlags(void **s, unsigned flags) { return cudaStreamCreate(s); }
int cudaStreamDestroy(void *s) { return success; }
int cudaStreamSynchronize(void *s) { count[waits]++; return success; }
int cudaStreamWaitEvent(void *s, void *event, unsigned flags) { return success; }
int cudaStreamIsCapturing(void *s, int *status) { *status = capturing; return success; }
int cudaEventCreate(void **e) { *e = &thing; return success; }
int cudaEventCreateWithFlags(void **e, unsigned flags) { return cudaEventCreate(e); }
int cudaEventDestroy(void *e) { return success; }
int cudaEventRecord(void *e, void *s) { return success; }
int cudaEventSynchronize(void *e) { count[waits]++; return success; }
int cudaEventElapsedTime(float *ms, void *a, void *b) { *ms = 1; return success; }

// A graph can be captured from a stream that was created, but not from the default one (900).
int cudaStreamBeginCapture(void *s, int mode) {
  if (s == NULL) return 900;
  capturing = 1;
  return success;
}
int cudaStreamEndCapture(void *s, void **graph) {
  capturing = 0;
  *graph = &thing;
  return success;
}
int cudaGraphInstantiate(void **exec, void *graph, uint64_t flags) { *exec = &thing; return success; }
int cudaGraphLaunch(void *exec, void *stream) { return success; }
int cudaGraphDestroy(void *graph) { return success; }
int cudaGraphExecDestroy(void *exec) { return success; }

int cudaGetLastError(void) { return success; }
int cudaPeekAtLastError(void) { return success; }
const char *cudaGetErrorName(int error) {
  return error == out_of_memory ? "cudaErrorMemoryAllocation" : "cudaError";
}
const char *cudaGetErrorString(int error) {
  return error == out_of_memory ? "out of memory" : "an error of the stand-in";
}
