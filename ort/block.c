#include "block.h"
#include "cuda.h"
#include "graph.h"

#include <stdlib.h>

// A use is memory that a run takes at one time and gives back at another, counted in takings and givings.
typedef struct {
  size_t bytes, from, to, at;
  void *p;  // NULL: given back
} use;

struct zos_places {
  use *uses;
  size_t count, bytes;
};

enum { from_pool, measured, from_block };
static __thread int source;  // of this thread's memory

// What is in use during a measurement or a recording, in the order of taking.
static struct {
  use *uses;
  size_t count, room, clock;
  const zos_places *places;  // of a recording
  bool other;                // the run takes other memory than it has places for
  void **later;              // memory of the pool that a recorded run gave back
  size_t later_count, later_room;
} now;

static struct {
  char *base;
  size_t bytes;
  uint64_t generation;
  bool lost;  // something was left in it
} block;

// longer makes room for one more element of a list; it returns false without memory.
static bool longer(void **list, size_t count, size_t *room, size_t element) {
  if (count < *room) return true;
  size_t more = *room ? 2 * *room : 64;
  void *p = realloc(*list, more * element);
  if (p == NULL) return false;
  *list = p;
  *room = more;
  return true;
}

static bool take(void *p, size_t bytes) {
  if (!longer((void **)&now.uses, now.count, &now.room, sizeof *now.uses)) return false;
  now.uses[now.count++] = (use){.bytes = zos_aligned(bytes), .from = now.clock++, .to = SIZE_MAX, .p = p};
  return true;
}

static bool give(void *p) {
  for (size_t i = now.count; i-- > 0;) {
    if (now.uses[i].p != p) continue;
    now.uses[i].to = now.clock++;
    now.uses[i].p = NULL;
    return true;
  }
  return false;
}

static void clear(void) {
  now.count = now.clock = 0;
  now.places = NULL;
  now.other = false;
}

void zos_measure_begin(void) {
  clear();
  source = measured;
}

static int by_size(const void *a, const void *b) {
  const use *const *x = a, *const *y = b;
  if ((*x)->bytes != (*y)->bytes) return (*x)->bytes < (*y)->bytes ? 1 : -1;
  return (*x)->from < (*y)->from ? -1 : (*x)->from > (*y)->from;
}

static int by_place(const void *a, const void *b) {
  const use *const *x = a, *const *y = b;
  return (*x)->at < (*y)->at ? -1 : (*x)->at > (*y)->at;
}

// hole finds the lowest place for a use among placed ones. beside has room for them.
static size_t hole(const use *u, use *const *placed, size_t count, const use **beside) {
  size_t n = 0, end = 0;
  for (size_t i = 0; i < count; i++)
    if (placed[i]->from < u->to && u->from < placed[i]->to) beside[n++] = placed[i];
  qsort(beside, n, sizeof *beside, by_place);
  for (size_t i = 0; i < n; i++) {
    if (beside[i]->at >= end + u->bytes) break;
    size_t behind = beside[i]->at + beside[i]->bytes;
    if (behind > end) end = behind;
  }
  return end;
}

// arrange places the large uses first, each as low as it goes.
static bool arrange(zos_places *l) {
  use **order = calloc(l->count + 1, sizeof *order);
  const use **beside = calloc(l->count + 1, sizeof *beside);
  bool room = order != NULL && beside != NULL;
  for (size_t i = 0; i < l->count && room; i++) order[i] = &l->uses[i];
  if (room) qsort(order, l->count, sizeof *order, by_size);
  for (size_t i = 0; i < l->count && room; i++) {
    order[i]->at = hole(order[i], order, i, beside);
    if (order[i]->at + order[i]->bytes > l->bytes) l->bytes = order[i]->at + order[i]->bytes;
  }
  free(order);
  free(beside);
  return room;
}

zos_places *zos_measure_end(void) {
  zos_places *l = calloc(1, sizeof *l);
  source = from_pool;
  if (l != NULL) {
    *l = (zos_places){.uses = now.uses, .count = now.count};
    now.uses = NULL;
    now.room = 0;
  }
  clear();
  if (l == NULL || arrange(l)) return l;
  zos_places_free(l);
  return NULL;
}

size_t zos_places_bytes(const zos_places *l) { return l->bytes; }

void zos_places_free(zos_places *l) {
  if (l == NULL) return;
  free(l->uses);
  free(l);
}

void zos_block_release(void) {
  if (block.base == NULL || block.lost) return;
  zos_pool_free(block.base);
  block.base = NULL;
  block.bytes = 0;
  block.generation++;
}

int zos_block_reserve(size_t bytes) {
  if (block.lost) return zos_graph_held;
  if (block.base != NULL && block.bytes >= bytes) return 0;
  zos_block_release();
  (void)zos_pool_trim();  // holes of the pool that the block does not fit into
  block.base = zos_pool_alloc(zos_aligned(bytes + 1));
  if (block.base == NULL) return zos_graph_memory;
  block.bytes = bytes;
  block.generation++;
  return 0;
}

uint64_t zos_block_generation(void) { return block.generation; }

void zos_block_begin(const zos_places *places) {
  clear();
  now.places = places;
  source = from_block;
}

int zos_block_end(void) {
  bool other = now.other;
  source = from_pool;
  for (size_t i = 0; i < now.later_count; i++) zos_pool_free(now.later[i]);
  now.later_count = 0;
  for (size_t i = 0; i < now.count; i++) block.lost |= now.uses[i].p != NULL;
  clear();
  return block.lost ? zos_graph_held : other ? zos_graph_other : 0;
}

bool zos_block_gives(size_t bytes, void **p) {
  if (source != from_block) return false;
  const zos_places *l = now.places;
  size_t i = now.count;
  bool known = i < l->count && l->uses[i].bytes == zos_aligned(bytes);
  void *at = known ? block.base + l->uses[i].at : NULL;
  *p = known && take(at, bytes) ? at : NULL;
  now.other |= *p == NULL;
  return true;
}

void zos_block_notes(void *p, size_t bytes) {
  if (source == measured) (void)take(p, bytes);
}

bool zos_block_takes(void *p) {
  if (source == measured) (void)give(p);
  if (source != from_block)  // what is left in a lost block
    return block.lost && (char *)p >= block.base && (char *)p < block.base + block.bytes;
  if (give(p)) return true;
  if (longer((void **)&now.later, now.later_count, &now.later_room, sizeof *now.later)) now.later[now.later_count++] = p;
  return true;
}
