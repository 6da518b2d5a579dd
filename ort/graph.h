// CUDA graphs: what a run starts on the pool's stream, recorded once and started as one from then on.
//
// A graph holds addresses. Those of the memory that a run takes for itself lie in the block of block.h. All
// functions belong to one thread, that of the sessions. Results are libcudart's error codes, 0 for none, or
// one of those below.
#ifndef ZOS_ORT_GRAPH_H
#define ZOS_ORT_GRAPH_H

#include "api.h"
#include "block.h"

enum { zos_graph_missing = -1, zos_graph_memory = -2, zos_graph_other = -3, zos_graph_held = -4 };

// zos_graph_open finds the functions in the libcudart of the pool.
int zos_graph_open(void);

// zos_graph_message says what an error is, other than a lack of memory.
const char *zos_graph_message(int error);

// zos_graph is a recorded run.
typedef struct zos_graph zos_graph;

// zos_record_begin records what is started until zos_record_end; nothing of it runs, and its memory comes
// from the block. With ok false, or after something that cannot be recorded, there is no graph.
int zos_record_begin(const zos_places *places);
int zos_record_end(bool ok, zos_graph **graph);
int zos_graph_launch(const zos_graph *graph);
void zos_graph_free(zos_graph *graph);

// zos_mirror is a list of host tensors with their copies on the device, whose places stay the same. All of
// them go to the device, or come back, in one copy through page-locked memory.
typedef struct zos_mirror zos_mirror;
zos_mirror *zos_mirror_new(size_t most);                      // tensors
void zos_mirror_put(zos_mirror *m, void *host, size_t bytes);  // appends one
int zos_mirror_make(zos_mirror *m);                            // takes the memory
void *zos_mirror_at(const zos_mirror *m, size_t i);            // the copy of tensor i
int zos_mirror_send(const zos_mirror *m);
int zos_mirror_fetch(const zos_mirror *m);                     // waits for the device
void zos_mirror_free(zos_mirror *m);

// zos_device_write and zos_device_read copy and wait.
int zos_device_write(void *device, const void *host, size_t bytes);
int zos_device_read(void *host, const void *device, size_t bytes);

#endif
