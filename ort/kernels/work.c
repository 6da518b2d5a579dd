// Working memory of kernels.
#include "op.h"

#include <pthread.h>
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

// largest takes the largest kept block, if there is one. The caller holds the lock.
static float *largest(void) {
  int at = 0;
  for (int i = 1; i < slots; i++) {
    if (kept[i] != NULL && (kept[at] == NULL || size_of(kept[i]) > size_of(kept[at]))) at = i;
  }
  float *block = kept[at];
  kept[at] = NULL;
  return block;
}

float *work_take(size_t floats) {
  int best = -1;
  float *block = NULL;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < slots; i++) {
    if (kept[i] != NULL && size_of(kept[i]) >= floats &&
        (best < 0 || size_of(kept[i]) < size_of(kept[best])))
      best = i;
  }
  if (best >= 0) {
    block = kept[best];
    kept[best] = NULL;
  }
  // A larger block takes the place of one that is too small, or every size would be kept.
  float *small = block == NULL ? largest() : NULL;
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
