// Working memory of kernels.
#include "op.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

// Number of blocks kept. The sanitizer test keeps none, so that each block has its exact size.
#ifndef WORK_SLOTS
#define WORK_SLOTS 16
#endif
enum { slots = WORK_SLOTS };

// Each block is preceded by 64 bytes that hold its size.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static float *kept[slots + 1];

static size_t size_of(const float *block) { return *(const size_t *)((const char *)block - 64); }

static void drop(float *block) {
  if (block != NULL) free((char *)block - 64);
}

// fits reports whether a block serves a request: not where it is so much larger that the next large request would take
// another one.
static bool fits(const float *block, size_t floats) {
  enum { waste = 8, little = 1 << 16 };
  size_t size = size_of(block);
  return size >= floats && (size <= little || size / waste <= floats);
}

// remove_at takes a block out of its slot.
static float *remove_at(int slot) {
  if (slot < 0) return NULL;
  float *block = kept[slot];
  kept[slot] = NULL;
  return block;
}

float *work_take(size_t floats) {
  int best = -1, below = -1;  // the smallest block that fits, the largest of those that are too small
  pthread_mutex_lock(&lock);
  for (int i = 0; i < slots; i++) {
    if (kept[i] == NULL) continue;
    if (fits(kept[i], floats) && (best < 0 || size_of(kept[i]) < size_of(kept[best]))) best = i;
    if (size_of(kept[i]) < floats && (below < 0 || size_of(kept[i]) > size_of(kept[below]))) below = i;
  }
  float *block = remove_at(best);
  // A larger block takes the place of one that is too small, or every size would be kept.
  float *small = block == NULL ? remove_at(below) : NULL;
  pthread_mutex_unlock(&lock);
  drop(small);
  if (block != NULL) return block;
  void *p = NULL;
  if (posix_memalign(&p, 64, 64 + sizeof(float) * floats) != 0) return NULL;
  *(size_t *)p = floats;
  return (float *)((char *)p + 64);
}

void work_give(float *block) {
  if (block == NULL) return;
  pthread_mutex_lock(&lock);
  int to = 0;  // an empty slot, else the smallest block's
  for (int i = 0; i < slots && kept[to] != NULL; i++) {
    if (kept[i] == NULL || size_of(kept[i]) < size_of(kept[to])) to = i;
  }
  if (slots > 0 && (kept[to] == NULL || size_of(kept[to]) < size_of(block))) {
    float *old = kept[to];
    kept[to] = block;
    block = old;
  }
  pthread_mutex_unlock(&lock);
  drop(block);
}
