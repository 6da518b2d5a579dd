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
            find(&cuda.last_error, "cudaGetLastError") && find(&cuda.message, "cudaGetErrorString");
  return all ? 0 : zos_graph_missing;
}

const char *zos_graph_message(int error) {
  switch (error) {
    case zos_graph_missing: return "libcudart lacks a function";
    case zos_graph_other: return "it takes other memory than the run before";
    case zos_graph_held: return "it keeps memory after its end";
  }
  return cuda.message(error);
}

struct zos_graph {
  void *exec;
};

int zos_record_begin(const zos_places *places) {
  enum { thread_local_mode = 1 };
  int failed = zos_pool_enter();
  if (!failed) failed = cuda.begin(zos_pool_stream(), thread_local_mode);
  if (!failed) zos_block_begin(places);
  return failed;
}

int zos_record_end(bool ok, zos_graph **graph) {
  void *recorded = NULL;
  zos_graph *g = calloc(1, sizeof *g);
  int failed = cuda.end(zos_pool_stream(), &recorded), own = zos_block_end();
  if (!failed && own) failed = own;
  if (!failed && g == NULL) failed = zos_graph_memory;
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
  m->bytes += zos_aligned(bytes);
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
