// The pool of host memory. A range of addresses grows at its end, so that what is free in it can be joined. Best fit keeps
// large holes whole; small memory, which often stays longer, lies apart from large. What fragmentation costs all the
// same is addresses and not memory: before more pages are touched than were ever in use at once, those of holes
// go back to the system.
#define _GNU_SOURCE
#include "hostpool.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0  // the address is a wish then
#endif
#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

// page is a multiple of the system's pages.
enum { unit = 256, page = 1 << 14, small = 1 << 17, step = 1 << 20, bins = 40, buckets = 1 << 12 };

// A chunk is a part of a range, in use or free. Descriptions lie outside of the memory, so that chunks of equal sizes lie
// in each other's place exactly, and free pages are not touched.
typedef struct chunk {
  struct range *range;
  char *at, *end;
  struct chunk *below, *above;  // the neighbours in the range; NULL: none
  struct chunk *next, *last;    // in a bin while it is free; next is in a bucket while it is in use
  char *bare, *bare_end;        // the pages of a free chunk that the system has, as far as known
  bool free;
} chunk;

typedef struct range {
  struct zone *zone;
  struct range *next;
  char *at, *end;
  chunk *top;  // its last chunk
} range;

// A zone has ranges of its own.
typedef struct zone {
  range *ranges;     // the newest first: it grows
  chunk *bin[bins];  // free chunks by the logarithm of their size, in order of size, then of address
} zone;

static struct {
  pthread_mutex_t lock;
  zone zones[2];  // of small and of large memory
  chunk *used[buckets];
  chunk *spare;  // descriptions without a chunk
  zos_host_stats count;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static size_t size_of(const chunk *c) { return (size_t)(c->end - c->at); }
static size_t up(size_t n, size_t to) { return (n + to - 1) / to * to; }
static char *page_up(char *p) { return (char *)up((size_t)p, page); }
static char *page_down(char *p) { return (char *)((size_t)p / page * page); }
static int bin_of(size_t size) {
  int b = 63 - __builtin_clzll(size / unit);
  return b < bins ? b : bins - 1;
}
static chunk **bucket_of(const void *p) { return &pool.used[((size_t)p / unit * 2654435761u >> 8) % buckets]; }

// spare_two makes sure of the descriptions that one taking may need.
static bool spare_two(void) {
  enum { more = 64 };
  if (pool.spare != NULL && pool.spare->next != NULL) return true;
  chunk *list = calloc(more, sizeof *list);
  for (int i = 0; i < more && list != NULL; i++) list[i].next = pool.spare, pool.spare = &list[i];
  return list != NULL;
}

// add describes a chunk above another one, or the first of a range.
static chunk *add(range *r, char *at, char *end, chunk *below) {
  chunk *c = pool.spare;
  pool.spare = c->next;
  *c = (chunk){.range = r, .at = at, .end = end, .below = below, .above = below ? below->above : NULL};
  if (c->above != NULL) c->above->below = c;
  if (below != NULL) below->above = c;
  if (c->above == NULL) r->top = c;
  return c;
}

static void discard(chunk *c) {
  if (c->above != NULL) c->above->below = c->below;
  if (c->below != NULL) c->below->above = c->above;
  if (c->above == NULL) c->range->top = c->below;
  c->next = pool.spare;
  pool.spare = c;
}

static void enter(chunk *c) {
  chunk **at = &c->range->zone->bin[bin_of(size_of(c))], *last = NULL;
  for (; *at != NULL; last = *at, at = &last->next)
    if (size_of(*at) > size_of(c) || (size_of(*at) == size_of(c) && (*at)->at > c->at)) break;
  c->free = true;
  c->last = last;
  c->next = *at;
  if (*at != NULL) (*at)->last = c;
  *at = c;
}

static void leave(chunk *c) {
  if (c->last != NULL)
    c->last->next = c->next;
  else
    c->range->zone->bin[bin_of(size_of(c))] = c->next;
  if (c->next != NULL) c->next->last = c->last;
  c->free = false;
}

static chunk *best(zone *z, size_t size) {
  for (int b = bin_of(size); b < bins; b++)
    for (chunk *c = z->bin[b]; c != NULL; c = c->next)
      if (size_of(c) >= size) return c;
  return NULL;
}

static size_t bare(const chunk *c) { return (size_t)(c->bare_end - c->bare); }

// set_bare notes which pages of a free chunk the system has.
static void set_bare(chunk *c, char *from, char *to) {
  pool.count.resident += bare(c);
  c->bare = from;
  c->bare_end = to > from ? to : from;
  pool.count.resident -= bare(c);
}

// join makes one chunk of two neighbours. Of two stretches of bare pages it remembers the longer one.
static chunk *join(chunk *low, chunk *high) {
  char *from = low->bare, *to = low->bare_end;
  if (from < to && to == high->bare)
    to = high->bare_end;
  else if (bare(high) > bare(low))
    from = high->bare, to = high->bare_end;
  set_bare(high, NULL, NULL);
  low->end = high->end;
  set_bare(low, from, to);
  discard(high);
  return low;
}

static void give(chunk *c) {
  if (c->above != NULL && c->above->free) {
    leave(c->above);
    join(c, c->above);
  }
  if (c->below != NULL && c->below->free) {
    leave(c->below);
    c = join(c->below, c);
  }
  enter(c);
}

static char *map(char *at, size_t bytes, int access, int flags) {
  char *p = mmap(at, bytes, access, MAP_PRIVATE | MAP_ANON | flags, -1, 0);
  if (p == MAP_FAILED) return NULL;
  if (at == NULL || p == at) return p;
  munmap(p, bytes);
  return NULL;
}

// gap finds addresses with room above them; NULL without. Nothing is reserved: others may take them, too.
static char *gap(size_t bytes) {
  for (size_t size = (size_t)1 << 37; size > bytes; size /= 2) {
    char *p = map(NULL, size, PROT_NONE, MAP_NORESERVE);
    if (p == NULL) continue;
    munmap(p, size);
    return page_up(p);
  }
  return NULL;
}

static char *touchable(char *at, size_t bytes) {
  return map(at, bytes, PROT_READ | PROT_WRITE, at ? MAP_FIXED_NOREPLACE : 0);
}

// offer adds a new stretch of addresses at the end of a range.
static void offer(range *r, char *at, char *end) {
  chunk *c = add(r, at, end, r->top);
  pool.count.held += size_of(c);
  pool.count.resident += size_of(c);
  set_bare(c, at, end);
  give(c);
}

static bool extend(range *r, size_t size) {
  size_t have = r->top->free ? size_of(r->top) : 0, more = up(size - have, step);
  char *end = r->end;
  if (touchable(end, more) == NULL) return false;
  r->end += more;
  offer(r, end, r->end);
  return true;
}

static bool begin(zone *z, size_t size) {
  range *r = malloc(sizeof *r);
  if (r == NULL) return false;
  size_t bytes = up(size, step);
  char *room = gap(bytes), *at = room ? touchable(room, bytes) : NULL;
  if (at == NULL) at = touchable(NULL, bytes);
  if (at == NULL) {
    free(r);
    return false;
  }
  *r = (range){.zone = z, .next = z->ranges, .at = at, .end = at + bytes};
  z->ranges = r;
  offer(r, at, r->end);
  return true;
}

// strip gives the system pages at the end of a free chunk, and more where others lie between them and those it has.
static void strip(chunk *c, size_t bytes) {
  char *from = page_up(c->at), *to = page_down(c->end);
  if (from >= to || (size_t)(to - from) <= bare(c)) return;
  char *above = bare(c) > 0 && c->bare_end == to ? c->bare : to;
  if (above == c->bare || bare(c) == 0) {
    if ((size_t)(above - from) > bytes) from = page_down(above - bytes);
    if (madvise(from, (size_t)(above - from), MADV_DONTNEED) == 0) set_bare(c, from, to);
  } else if (madvise(from, (size_t)(to - from), MADV_DONTNEED) == 0) {
    set_bare(c, from, to);
  }
}

// hold_back strips the largest holes where more pages are resident than were ever in use and a twelfth of that. With less,
// steps touch the same pages again and again.
static void hold_back(void) {
  zone *z = &pool.zones[1];
  uint64_t most = pool.count.peak + pool.count.peak / 12 + 4 * step;
  for (int b = bins - 1; b >= 0 && pool.count.resident > most; b--)
    for (chunk *c = z->bin[b]; c != NULL && pool.count.resident > most; c = c->next)
      strip(c, up(pool.count.resident - most, step / 4));
}

static chunk *take(zone *z, size_t size) {
  chunk *c = best(z, size);
  if (c == NULL && ((z->ranges != NULL && extend(z->ranges, size)) || begin(z, size))) c = best(z, size);
  if (c == NULL) return NULL;
  leave(c);
  char *from = c->bare, *to = c->bare_end;
  set_bare(c, NULL, NULL);
  if (size_of(c) > size) {
    chunk *rest = add(c->range, c->at + size, c->end, c);
    c->end = rest->at;
    if (from < page_up(rest->at)) from = page_up(rest->at);
    if (from < to) set_bare(rest, from, to);
    enter(rest);
  }
  pool.count.in_use += size;
  if (pool.count.in_use > pool.count.peak) pool.count.peak = pool.count.in_use;
  hold_back();
  chunk **bucket = bucket_of(c->at);
  c->next = *bucket;
  *bucket = c;
  return c;
}

void *zos_host_alloc(size_t bytes) {
  if (bytes == 0 || bytes > SIZE_MAX / 4) return NULL;
  size_t size = up(bytes, unit);
  pthread_mutex_lock(&pool.lock);
  chunk *c = spare_two() ? take(&pool.zones[size >= small], size) : NULL;
  char *p = c ? c->at : NULL;
  pthread_mutex_unlock(&pool.lock);
  return p;
}

void zos_host_free(void *p) {
  if (p == NULL) return;
  pthread_mutex_lock(&pool.lock);
  chunk **c = bucket_of(p);
  while (*c != NULL && (*c)->at != p) c = &(*c)->next;
  if (*c == NULL) abort();  // not of the pool, or given back twice
  chunk *found = *c;
  *c = found->next;
  pool.count.in_use -= size_of(found);
  give(found);
  pthread_mutex_unlock(&pool.lock);
}

// shorten unmaps the free end of a range; it returns false where that is all of it.
static bool shorten(range *r) {
  chunk *c = r->top;
  char *end = !c->free ? r->end : c->at == r->at ? r->at : page_up(c->at);
  if (end >= r->end || munmap(end, (size_t)(r->end - end)) != 0) return true;
  leave(c);
  set_bare(c, NULL, NULL);
  pool.count.held -= (uint64_t)(r->end - end);
  pool.count.resident -= (uint64_t)(r->end - end);
  c->end = r->end = end;
  if (size_of(c) > 0)
    enter(c);
  else
    discard(c);
  return r->end > r->at;
}

static void trim(zone *z) {
  for (int b = 0; b < bins; b++)
    for (chunk *c = z->bin[b]; c != NULL; c = c->next) strip(c, SIZE_MAX / 4);
  for (range **r = &z->ranges; *r != NULL;) {
    if (shorten(*r)) {
      r = &(*r)->next;
      continue;
    }
    range *gone = *r;
    *r = gone->next;
    free(gone);
  }
}

static void trim_all(bool only_idle) {
  pthread_mutex_lock(&pool.lock);
  bool idle = pool.count.in_use == 0;
  if (idle) pool.count.peak = 0;
  for (int i = 0; i < 2 && (idle || !only_idle); i++) trim(&pool.zones[i]);
  pthread_mutex_unlock(&pool.lock);
}

void zos_host_trim(void) { trim_all(false); }

void zos_host_trim_idle(void) { trim_all(true); }

zos_host_stats zos_host_read(void) {
  pthread_mutex_lock(&pool.lock);
  zos_host_stats s = pool.count;
  pthread_mutex_unlock(&pool.lock);
  return s;
}
