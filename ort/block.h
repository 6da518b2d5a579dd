// The memory that the runs of CUDA graphs take for themselves: one block of the pool, at whose places the
// graphs write. They share it, as they run one after the other and nothing of a run outlives it. All
// functions but the last three belong to one thread, that of the sessions. Errors are those of graph.h.
#ifndef ZOS_ORT_BLOCK_H
#define ZOS_ORT_BLOCK_H

#include "api.h"

// zos_aligned is how many bytes to keep apart for so many, so that every tensor begins at a multiple of 256.
static inline size_t zos_aligned(size_t bytes) { return (bytes + 255) / 256 * 256; }

// zos_places are the places in the block of all that a run takes, in the order in which it takes it.
typedef struct zos_places zos_places;

// zos_measure_begin writes down what is taken from the pool and given back until zos_measure_end, which
// finds places for it; NULL without memory for that.
void zos_measure_begin(void);
zos_places *zos_measure_end(void);
size_t zos_places_bytes(const zos_places *places);
void zos_places_free(zos_places *places);

// zos_block_reserve makes the block at least as large as told. A block that is too small gives way to
// another one, for which graphs are recorded anew: the generation is another one then. zos_block_release
// gives the block back to the pool. A block in which something was left stays for ever.
int zos_block_reserve(size_t bytes);
void zos_block_release(void);
uint64_t zos_block_generation(void);

// Between zos_block_begin and zos_block_end memory comes from the block, at the places of a
// run before. zos_block_end tells whether the same was taken, and all given back.
void zos_block_begin(const zos_places *places);
int zos_block_end(void);

// For the pool. zos_block_gives takes memory from the block; zos_block_notes writes down what came from the
// pool; zos_block_takes deals with memory that is given back. They do nothing outside of the above.
bool zos_block_gives(size_t bytes, void **p);
void zos_block_notes(void *p, size_t bytes);
bool zos_block_takes(void *p);

#endif
