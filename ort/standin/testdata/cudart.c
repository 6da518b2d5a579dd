// A stand-in for libcudart.so.13. Device memory is host memory, copies copy, streams do everything
// at once, and kernels do nothing: memory that no copy wrote holds arbitrary small numbers. Only
// the functions that ONNX Runtime's CUDA provider and zos-ort call are here; names, numbers and
// offsets are those of CUDA 13's headers.
//
// A stream can be recorded into a graph. In the mode of zos-ort, the recording thread is refused to wait, to
// take or give back memory, to copy at once or from memory that is not page-locked, and to have a function of
// the host called: a graph would call it whenever it is started, and ONNX Runtime's frees memory. What is
// refused spoils the recording. Starting a graph copies and runs our own kernels again. It fails where a copy
// reads or writes memory that was given back, or takes something else to the device than when recorded.
#include <pthread.h>
#include <string.h>

#include "counts.h"

enum { success = 0, invalid = 1, out_of_memory = 2, missing_symbol = 500, illegal_address = 700, in_capture = 900,
       capture_spoiled = 901, implicit_in_capture = 906 };

// A node of a graph is something to run.
typedef struct node {
  int (*run)(void *);
  void *data;
  size_t bytes;
  struct node *next;
} node;
typedef struct { node *first, **end; } graph;
static graph *recording;  // NULL: no stream is recorded
static pthread_t recorder;
static int spoiled, strict;

static graph *new_graph(void) {
  graph *g = calloc(1, sizeof *g);
  g->end = &g->first;
  return g;
}

static void append(graph *g, int (*run)(void *), const void *data, size_t bytes) {
  node *n = calloc(1, sizeof *n);
  *n = (node){.run = run, .data = memcpy(malloc(bytes + 1), data, bytes), .bytes = bytes};
  *g->end = n;
  g->end = &n->next;
}

static void free_graph(graph *g) {
  while (g->first != NULL) {
    node *n = g->first;
    g->first = n->next;
    free(n->data);
    free(n);
  }
  free(g);
}

static int records(void) { return recording != NULL && pthread_equal(recorder, pthread_self()); }

// refused spoils a recording of this thread.
static int refused(void) {
  if (!records() || !strict) return 0;
  spoiled = 1;
  return 1;
}

static int unrecorded(void) { return getenv("STANDIN_UNRECORDED") != NULL; }

static int record(int (*run)(void *), const void *data, size_t bytes) {
  if (!records()) return 0;
  append(recording, run, data, bytes);
  count[recorded]++;
  return 1;
}

// standin_record is for the stand-in of the driver.
int standin_record(int (*run)(void *), const void *data, size_t bytes) {
  if (unrecorded() && refused()) return in_capture;
  record(run, data, bytes);
  return spoiled ? capture_spoiled : success;
}

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

// Memory that is there: of the device, or page-locked.
typedef struct range {
  const char *from;
  size_t bytes;
  struct range *next;
} range;
static range *device_memory, *locked_memory;

static void enter(range **list, const void *p, size_t bytes) {
  range *r = malloc(sizeof *r);
  *r = (range){.from = p, .bytes = bytes, .next = *list};
  *list = r;
}

static void leave(range **list, const void *p) {
  for (; *list != NULL; list = &(*list)->next) {
    if ((*list)->from != p) continue;
    range *gone = *list;
    *list = gone->next;
    free(gone);
    return;
  }
}

static int lies_in(const range *r, const void *p, size_t bytes) {
  for (; r != NULL; r = r->next)
    if ((const char *)p >= r->from && (const char *)p + bytes <= r->from + r->bytes) return 1;
  return 0;
}

// Every block is preceded by its size.
enum { header = 256 };

int cudaMalloc(void **p, size_t bytes) {
  if (refused()) return in_capture;
  if (count[in_use] + bytes > capacity()) return out_of_memory;
  char *block = malloc(bytes + header);
  if (block == NULL) return out_of_memory;
  scribble((float *)(block + header), bytes);
  memcpy(block, &bytes, sizeof bytes);
  count[in_use] += bytes;
  if (count[in_use] > count[peak]) count[peak] = count[in_use];
  *p = block + header;
  enter(&device_memory, *p, bytes);
  return success;
}

int cudaFree(void *p) {
  if (p == NULL) return success;
  if (refused()) return in_capture;
  leave(&device_memory, p);
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
  if (refused()) return in_capture;
  *p = calloc(1, bytes);
  if (*p == NULL) return out_of_memory;
  enter(&locked_memory, *p, bytes);
  return success;
}
int cudaMallocHost(void **p, size_t bytes) { return cudaHostAlloc(p, bytes, 0); }
int cudaFreeHost(void *p) {
  if (refused()) return in_capture;
  leave(&locked_memory, p);
  free(p);
  return success;
}

// Kinds of copies: 0 host to host, 1 to the device, 2 to the host, 3 on the device.
typedef struct {
  char *to;
  const char *from;
  size_t to_pitch, from_pitch, width, height;
  int kind;
  uint64_t sum;  // of what a graph copies to the device
} copying;

static uint64_t sum_of(const copying *c) {
  uint64_t sum = 0;
  for (size_t y = 0; y < c->height && c->kind == 1; y++)
    for (size_t x = 0; x < c->width; x++) sum = sum * 31 + (unsigned char)c->from[y * c->from_pitch + x];
  return sum;
}

static int do_copy(const copying *c) {
  for (size_t y = 0; y < c->height; y++) memmove(c->to + y * c->to_pitch, c->from + y * c->from_pitch, c->width);
  if (c->kind >= 1 && c->kind <= 3) count[c->kind - 1] += c->width * c->height;
  return c->kind >= 0 && c->kind <= 3 ? success : invalid;
}

// again copies for a graph, from what is there to what is there: to the device tables, which never change.
static int again(void *data) {
  const copying *c = data;
  size_t to = (c->height - 1) * c->to_pitch + c->width, from = (c->height - 1) * c->from_pitch + c->width;
  int there = lies_in(c->kind == 2 ? locked_memory : device_memory, c->to, to) &&
              lies_in(c->kind == 1 ? locked_memory : device_memory, c->from, from);
  return there && sum_of(c) == c->sum ? do_copy(c) : illegal_address;
}

static int copy_on(const copying *c, void *s) {
  work_on(s);
  if (records()) {
    int locked = (c->kind != 1 || lies_in(locked_memory, c->from, c->width)) &&
                 (c->kind != 2 || lies_in(locked_memory, c->to, c->width)) && c->kind != 0;
    if (!locked && refused()) return in_capture;
    copying kept = *c;
    kept.sum = sum_of(c);
    record(again, &kept, sizeof kept);
    return success;
  }
  count[copies]++;
  return do_copy(c);
}

int cudaMemcpy(void *to, const void *from, size_t bytes, int kind) {
  if (refused()) return implicit_in_capture;
  count[copies]++;
  return do_copy(&(copying){to, from, bytes, bytes, bytes, 1, kind});
}
int cudaMemcpyAsync(void *to, const void *from, size_t bytes, int kind, void *s) {
  return copy_on(&(copying){to, from, bytes, bytes, bytes, 1, kind}, s);
}
int cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                      size_t height, int kind, void *s) {
  if (height == 0) return success;
  return copy_on(&(copying){to, from, to_pitch, from_pitch, width, height, kind}, s);
}
int cudaMemcpyFromSymbol(void *to, const void *symbol, size_t bytes, size_t offset, int kind) {
  if (refused()) return implicit_in_capture;
  memset(to, 0, bytes);
  return success;
}

typedef struct {
  void *p;
  int value;
  size_t bytes;
} setting;
static int set_again(void *data) {
  const setting *s = data;
  if (!lies_in(device_memory, s->p, s->bytes)) return illegal_address;
  memset(s->p, s->value, s->bytes);
  return success;
}
int cudaMemset(void *p, int value, size_t bytes) {
  if (refused()) return implicit_in_capture;
  memset(p, value, bytes);
  return success;
}
int cudaMemsetAsync(void *p, int value, size_t bytes, void *s) {
  work_on(s);
  if (record(set_again, &(setting){p, value, bytes}, sizeof(setting))) return success;
  memset(p, value, bytes);
  return success;
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
static int idle(void *data) { return success; }
static int launched(void) {
  if (unrecorded() && refused()) return in_capture;
  if (!record(idle, "", 0)) count[kernels]++;
  return success;
}
int cudaLaunchKernel(const void *f, dim3 grid, dim3 block, void **arguments, size_t shared, void *s) {
  work_on(s);
  return launched();
}
int __cudaLaunchKernel(const void *f, dim3 grid, dim3 block, void **arguments, size_t shared, void *s) {
  return cudaLaunchKernel(f, grid, block, arguments, shared, s);
}
int cudaLaunchKernelExC(const void *config, const void *f, void **arguments) { return launched(); }
int cudaLaunchHostFunc(void *s, void (*f)(void *), void *data) {
  work_on(s);
  if (refused()) return in_capture;
  f(data);
  return success;
}
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
static int waited(void) {
  if (refused()) return in_capture;
  count[waits]++;
  return success;
}
int cudaDeviceSynchronize(void) { return waited(); }
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
int cudaStreamCreate(void **s) {
  *s = &stream[streams++ > 0];
  return success;
}
int cudaStreamCreateWithFlags(void **s, unsigned flags) { return cudaStreamCreate(s); }
int cudaStreamDestroy(void *s) { return success; }
int cudaStreamSynchronize(void *s) { return waited(); }
int cudaStreamWaitEvent(void *s, void *event, unsigned flags) { return success; }
int cudaStreamIsCapturing(void *s, int *status) { *status = recording == NULL ? 0 : spoiled ? 2 : 1; return success; }
int cudaEventCreate(void **e) { *e = &thing; return success; }
int cudaEventCreateWithFlags(void **e, unsigned flags) { return cudaEventCreate(e); }
int cudaEventDestroy(void *e) { return success; }
int cudaEventRecord(void *e, void *s) { return success; }
int cudaEventSynchronize(void *e) { return waited(); }
int cudaEventElapsedTime(float *ms, void *a, void *b) { *ms = 1; return success; }

// A graph can be recorded from a stream that was created, but not from the default one (900).
int cudaStreamBeginCapture(void *s, int mode) {
  if (s == NULL || recording != NULL) return in_capture;
  recording = new_graph();
  recorder = pthread_self();
  spoiled = 0;
  strict = mode == 1;  // cudaStreamCaptureModeThreadLocal
  count[capturing] = 1;
  return success;
}
int cudaStreamEndCapture(void *s, void **g) {
  if (recording == NULL) return invalid;
  *g = recording;
  if (spoiled) {
    free_graph(recording);
    *g = NULL;
  }
  recording = NULL;
  count[capturing] = 0;
  return spoiled ? capture_spoiled : success;
}
int cudaGraphInstantiate(void **exec, void *g, uint64_t flags) {
  graph *copy = new_graph();
  for (const node *n = ((graph *)g)->first; n != NULL; n = n->next) append(copy, n->run, n->data, n->bytes);
  *exec = copy;
  return success;
}
int cudaGraphLaunch(void *exec, void *s) {
  if (refused()) return in_capture;
  work_on(s);
  count[graphs]++;
  int failed = success;
  for (const node *n = ((graph *)exec)->first; n != NULL && !failed; n = n->next) failed = n->run(n->data);
  return failed;
}
int cudaGraphDestroy(void *g) { free_graph(g); return success; }
int cudaGraphExecDestroy(void *exec) { free_graph(exec); return success; }

int cudaGetLastError(void) { return success; }
int cudaPeekAtLastError(void) { return success; }
const char *cudaGetErrorName(int error) {
  return error == out_of_memory ? "cudaErrorMemoryAllocation" : "cudaError";
}
const char *cudaGetErrorString(int error) {
  return error == out_of_memory ? "out of memory"
         : error == in_capture  ? "operation not permitted when stream is capturing"
                                : "an error of the stand-in";
}
