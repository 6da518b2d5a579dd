#include "graph.h"
#include "cuda.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

// The functions of libcudart, by the signatures of CUDA 13.
static struct {
  int (*copy)(void *, const void *, size_t, int, void *);
  int (*wait)(void *);
  int (*host_alloc)(void **, size_t, unsigned);
  int (*host_free)(void *);
  int (*begin)(void *, int);
  int (*end)(void *, void **);
  int (*instantiate)(void **, void *, uint64_t);
  int (*launch)(void *, void *);
  int (*destroy)(void *);
  int (*exec_destroy)(void *);
  int (*nodes)(void *, void **, size_t *);
  int (*type)(void *, int *);
  int (*dependents)(void *, void **, void *, size_t *);
  int (*host_get)(void *, void *);
  int (*host_set)(void *, const void *);
  int (*remove)(void *);
  int (*last_error)(void);
  const char *(*message)(int);
} cuda;

static int find(void *to, const char *name) {
  void *f = zos_pool_library() == NULL ? NULL : dlsym(zos_pool_library(), name);
  memcpy(to, &f, sizeof f);
  return f != NULL;
}

int zos_graph_open(void) {
  int all = find(&cuda.copy, "cudaMemcpyAsync") && find(&cuda.wait, "cudaStreamSynchronize") &&
            find(&cuda.host_alloc, "cudaHostAlloc") && find(&cuda.host_free, "cudaFreeHost") &&
            find(&cuda.begin, "cudaStreamBeginCapture") && find(&cuda.end, "cudaStreamEndCapture") &&
            find(&cuda.instantiate, "cudaGraphInstantiate") && find(&cuda.launch, "cudaGraphLaunch") &&
            find(&cuda.destroy, "cudaGraphDestroy") && find(&cuda.exec_destroy, "cudaGraphExecDestroy") &&
            find(&cuda.nodes, "cudaGraphGetNodes") && find(&cuda.type, "cudaGraphNodeGetType") &&
            find(&cuda.dependents, "cudaGraphNodeGetDependentNodes") &&
            find(&cuda.host_get, "cudaGraphHostNodeGetParams") &&
            find(&cuda.host_set, "cudaGraphHostNodeSetParams") &&
            find(&cuda.remove, "cudaGraphDestroyNode") && find(&cuda.last_error, "cudaGetLastError") &&
            find(&cuda.message, "cudaGetErrorString");
  return all ? 0 : zos_graph_missing;
}

const char *zos_graph_message(int error) {
  switch (error) {
    case zos_graph_missing: return "libcudart lacks a function";
    case zos_graph_memory: return "there is no memory for it";
    case zos_graph_small: return "it takes other memory than the run before";
    case zos_graph_held: return "it keeps memory after its end";
  }
  return cuda.message(error);
}

// A piece is memory of the block that is in use. During a measurement it stands for memory of the pool.
typedef struct piece {
  size_t at, bytes;
  void *p;
  struct piece *next;
} piece;

enum { from_pool, measured, from_block };

static struct {
  piece *first;  // by place
  size_t most;   // the end of the last place that was in use
  char *base;
  size_t bytes;
  uint64_t generation;
  bool lost;     // something was left in it
  bool full;     // a piece did not fit
} block;
static __thread int source;  // of this thread's memory
static struct {
  void **list;
  size_t n, room;
} later;  // memory of the pool that a recorded run gave back

enum { alignment = 256 };
static size_t aligned(size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

// place finds the first hole that is large enough and below the limit.
static piece *place(size_t bytes, size_t limit) {
  piece **link = &block.first;
  size_t end = 0;
  bytes = aligned(bytes);
  for (; *link != NULL && (*link)->at - end < bytes; link = &(*link)->next) end = (*link)->at + (*link)->bytes;
  piece *new = limit - end < bytes ? NULL : malloc(sizeof *new);
  if (new == NULL) return NULL;
  *new = (piece){.at = end, .bytes = bytes, .next = *link};
  *link = new;
  if (end + bytes > block.most) block.most = end + bytes;
  return new;
}

static bool lift(void *p) {
  for (piece **link = &block.first; *link != NULL; link = &(*link)->next) {
    if ((*link)->p != p) continue;
    piece *gone = *link;
    *link = gone->next;
    free(gone);
    return true;
  }
  return false;
}

static void clear(void) {
  while (block.first != NULL) lift(block.first->p);
  block.most = 0;
}

void zos_measure_begin(void) {
  clear();
  source = measured;
}

size_t zos_measure_end(void) {
  size_t most = block.most;
  source = from_pool;
  clear();
  return most;
}

void zos_block_release(void) {
  if (block.base == NULL || block.lost) return;
  zos_pool_free(block.base);
  block.base = NULL;
  block.bytes = 0;
  block.generation++;
}

int zos_block_reserve(size_t bytes) {
  if (block.base != NULL && block.bytes >= bytes) return 0;
  if (block.lost) return zos_graph_held;
  zos_block_release();
  (void)zos_pool_trim();  // holes of the pool that the block does not fit into
  block.base = zos_pool_alloc(aligned(bytes));
  if (block.base == NULL) return zos_graph_memory;
  block.bytes = aligned(bytes);
  block.generation++;
  return 0;
}

size_t zos_block_size(void) { return block.bytes; }

uint64_t zos_block_generation(void) { return block.generation; }

bool zos_block_gives(size_t bytes, void **p) {
  if (source != from_block) return false;
  piece *new = place(bytes, block.bytes);
  if (new != NULL) new->p = block.base + new->at;
  block.full |= new == NULL;
  *p = new == NULL ? NULL : new->p;
  return true;
}

void zos_block_notes(void *p, size_t bytes) {
  piece *new = source == measured ? place(bytes, SIZE_MAX) : NULL;
  if (new != NULL) new->p = p;
}

static bool inside(const char *p) { return block.base != NULL && p >= block.base && p < block.base + block.bytes; }

bool zos_block_takes(void *p) {
  if (source == measured) lift(p);
  if (source != from_block) return p != block.base && inside(p);  // what a lost block still holds
  if (lift(p)) return true;
  if (later.n == later.room) {
    size_t room = later.room ? 2 * later.room : 16;
    void **list = realloc(later.list, room * sizeof *list);
    if (list == NULL) return true;
    later.list = list;
    later.room = room;
  }
  later.list[later.n++] = p;
  return true;
}

typedef struct {
  void (*call)(void *);
  void *data;
} host_call;  // struct cudaHostNodeParams, but for what CUDA 13 may have added

struct zos_graph {
  void *exec;
  host_call *calls;
  size_t count;
};

static void nothing(void *data) { (void)data; }

// adopt takes the host functions out of a graph. ONNX Runtime ends a run with one that frees the page-locked
// memory which copies to the device read, which a graph needs as long as it lives: so the graph calls it at
// its own end. A function that something waits for leaves one behind that does nothing.
static int adopt(void *graph, zos_graph *g) {
  enum { host = 3 };  // cudaGraphNodeTypeHost
  size_t n = 0;
  int failed = cuda.nodes(graph, NULL, &n);
  void **nodes = calloc(n + 1, sizeof *nodes);
  g->calls = calloc(n + 1, sizeof *g->calls);
  if (nodes == NULL || g->calls == NULL) failed = zos_graph_memory;
  if (!failed) failed = cuda.nodes(graph, nodes, &n);
  for (size_t i = 0; i < n && !failed; i++) {
    int type = 0;
    failed = cuda.type(nodes[i], &type);
    if (failed || type != host) continue;
    host_call params[8] = {{0}}, idle = {.call = nothing};  // room for a longer struct
    size_t waiting = 1;
    if ((failed = cuda.host_get(nodes[i], params))) continue;
    g->calls[g->count++] = params[0];
    if (cuda.dependents(nodes[i], NULL, NULL, &waiting) != 0) waiting = 1;
    failed = waiting == 0 ? cuda.remove(nodes[i]) : 0;
    params[0] = idle;
    if (waiting > 0) failed = cuda.host_set(nodes[i], params);
  }
  free(nodes);
  return failed;
}

int zos_record_begin(void) {
  enum { thread_local_mode = 1 };
  int failed = zos_pool_enter();
  if (!failed) failed = cuda.begin(zos_pool_stream(), thread_local_mode);
  if (failed) return failed;
  clear();
  block.full = false;
  source = from_block;
  return 0;
}

// settle ends the use of the block, and gives back what could not be given back in between.
static int settle(void) {
  source = from_pool;
  for (size_t i = 0; i < later.n; i++) zos_pool_free(later.list[i]);
  later.n = 0;
  block.lost = block.first != NULL;
  clear();
  return block.lost ? zos_graph_held : block.full ? zos_graph_small : 0;
}

int zos_record_end(bool ok, zos_graph **graph) {
  void *recorded = NULL;
  zos_graph *g = calloc(1, sizeof *g);
  int failed = cuda.end(zos_pool_stream(), &recorded), own = settle();
  if (!failed && own) failed = own;
  if (!failed && g == NULL) failed = zos_graph_memory;
  if (!failed && ok) failed = adopt(recorded, g);
  if (!failed && ok) failed = cuda.instantiate(&g->exec, recorded, 0);
  if (recorded != NULL) (void)cuda.destroy(recorded);
  (void)cuda.last_error();  // or the next kernel would be blamed for it
  if (failed || !ok) zos_graph_free(g);
  *graph = failed || !ok ? NULL : g;
  return failed;
}

int zos_graph_launch(const zos_graph *g) { return cuda.launch(g->exec, zos_pool_stream()); }

void zos_graph_free(zos_graph *g) {
  if (g == NULL) return;
  if (g->exec != NULL) (void)cuda.exec_destroy(g->exec);
  for (size_t i = 0; i < g->count; i++) g->calls[i].call(g->calls[i].data);
  free(g->calls);
  free(g);
}

struct zos_mirror {
  size_t count, bytes;
  struct {
    void *host;
    size_t at, bytes;
  } *tensor;
  char *staging, *device;
};

zos_mirror *zos_mirror_new(size_t most) {
  zos_mirror *m = calloc(1, sizeof *m);
  m->tensor = calloc(most + 1, sizeof *m->tensor);
  return m;
}

void zos_mirror_put(zos_mirror *m, void *host, size_t bytes) {
  size_t i = m->count++;
  m->tensor[i].host = host;
  m->tensor[i].bytes = bytes;
  m->tensor[i].at = m->bytes;
  m->bytes += aligned(bytes);
}

int zos_mirror_make(zos_mirror *m) {
  if (m->bytes == 0) return 0;
  int failed = zos_pool_enter();
  if (!failed) failed = cuda.host_alloc((void **)&m->staging, m->bytes, 0);
  if (failed) return failed;
  m->device = zos_pool_alloc(m->bytes);
  return m->device == NULL ? zos_graph_memory : 0;
}

void *zos_mirror_at(const zos_mirror *m, size_t i) { return m->device + m->tensor[i].at; }

enum { to_device = 1, to_host = 2 };  // cudaMemcpyKind

int zos_mirror_send(const zos_mirror *m) {
  for (size_t i = 0; i < m->count; i++) memcpy(m->staging + m->tensor[i].at, m->tensor[i].host, m->tensor[i].bytes);
  return m->bytes == 0 ? 0 : cuda.copy(m->device, m->staging, m->bytes, to_device, zos_pool_stream());
}

int zos_mirror_fetch(const zos_mirror *m) {
  int failed = m->bytes == 0 ? 0 : cuda.copy(m->staging, m->device, m->bytes, to_host, zos_pool_stream());
  if (!failed) failed = cuda.wait(zos_pool_stream());
  for (size_t i = 0; i < m->count && !failed; i++)
    memcpy(m->tensor[i].host, m->staging + m->tensor[i].at, m->tensor[i].bytes);
  return failed;
}

void zos_mirror_free(zos_mirror *m) {
  if (m == NULL) return;
  zos_pool_free(m->device);
  if (m->staging != NULL) (void)cuda.host_free(m->staging);
  free(m->tensor);
  free(m);
}

static int copy(void *to, const void *from, size_t bytes, int kind) {
  int failed = zos_pool_enter();
  if (!failed) failed = cuda.copy(to, from, bytes, kind, zos_pool_stream());
  return failed ? failed : cuda.wait(zos_pool_stream());
}

int zos_device_write(void *device, const void *host, size_t bytes) { return copy(device, host, bytes, to_device); }

int zos_device_read(void *host, const void *device, size_t bytes) { return copy(host, device, bytes, to_host); }
