// The pool of host memory without ONNX Runtime.
//
//   random THREADS   takes and gives back at random, from several threads
//   hungry           takes until there is nothing more, under a limit on addresses
//   apart            takes addresses behind those of the pool, so that it cannot grow in one piece
//   steps            makes steps whose memory is scattered, and tells what stays
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../hostpool.h"

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static void check(int good, const char *what) {
  if (!good) fail(what);
}

// A piece is full of its own mark.
typedef struct {
  uint64_t *at, mark;
  size_t words;
} piece;

static piece fill(uint64_t mark, size_t words) {
  piece p = {zos_host_alloc(8 * words), mark, words};
  if (p.at == NULL) return p;
  check((size_t)p.at % 256 == 0, "not at a multiple of 256");
  for (size_t i = 0; i < words; i++) p.at[i] = mark;
  return p;
}

static void empty(piece *p) {
  if (p->at == NULL) return;
  for (size_t i = 0; i < p->words; i++) check(p->at[i] == p->mark, "overlap");
  zos_host_free(p->at);
  p->at = NULL;
}

static uint64_t next(uint64_t *seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 7;
  return *seed ^= *seed << 17;
}

// Pieces that threads hand each other: one gives back what another took.
enum { places = 96, rounds = 20000 };
static struct {
  pthread_mutex_t lock;
  piece p;
} shared[places];

static void *worker(void *number) {
  uint64_t seed = 88172645463325252u + (size_t)number * 7919, mark = (uint64_t)(size_t)number << 48;
  for (int i = 0; i < rounds; i++) {
    size_t words = (size_t)1 << next(&seed) % 17;
    words += next(&seed) % words;
    piece mine = next(&seed) % 3 ? fill(++mark, words) : (piece){0};
    int k = (int)(next(&seed) % places);
    pthread_mutex_lock(&shared[k].lock);
    piece other = shared[k].p;
    shared[k].p = mine;
    pthread_mutex_unlock(&shared[k].lock);
    empty(&other);
    if (next(&seed) % 2000 == 0) zos_host_trim();
  }
  return NULL;
}

static void nothing_left(void) {
  zos_host_stats s = zos_host_read();
  check(s.in_use == 0, "in use at the end");
  zos_host_trim_idle();
  s = zos_host_read();
  check(s.peak == 0 && s.resident == 0 && s.held == 0, "not all of it is joined and given back");
}

static void randomly(int threads) {
  pthread_t list[16];
  for (int k = 0; k < places; k++) pthread_mutex_init(&shared[k].lock, NULL);
  for (int i = 0; i < threads; i++) check(pthread_create(&list[i], NULL, worker, (void *)(size_t)(i + 1)) == 0, "no thread");
  for (int i = 0; i < threads; i++) pthread_join(list[i], NULL);
  zos_host_trim_idle();
  check(zos_host_read().held > 0, "given back while it is in use");
  for (int k = 0; k < places; k++) empty(&shared[k].p);
  nothing_left();
}

static void hungry(void) {
  enum { most = 1000 };
  struct rlimit limit = {512 << 20, 512 << 20};
  check(setrlimit(RLIMIT_AS, &limit) == 0, "no limit");
  static piece all[most];
  for (int twice = 0; twice < 2; twice++) {
    int n = 0;
    while (n < most && (all[n] = fill((uint64_t)n, 1 << 17)).at != NULL) n++;
    check(n > 300 && n < most, "not most of 512 MiB, or more");
    check(zos_host_alloc(SIZE_MAX) == NULL && zos_host_alloc(SIZE_MAX / 8) == NULL, "memory that is not there");
    printf("%d MiB\n", n);
    for (int i = 0; i < n; i++) empty(&all[i]);
    if (twice) nothing_left();
  }
}

static void apart(void) {
  enum { count = 20, words = 1 << 18 };
  piece all[count];
  void *wall[count];
  for (int i = 0; i < count; i++) {
    all[i] = fill((uint64_t)i, words);
    char *end = (char *)(all[i].at + words);
    wall[i] = mmap(end, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0);
    check(wall[i] == end, "no wall behind the pool");
  }
  check(zos_host_read().in_use == (uint64_t)8 * words * count, "miscounted");
  for (int i = 0; i < count; i++) empty(&all[i]);
  nothing_left();
  for (int i = 0; i < count; i++) munmap(wall[i], 1 << 20);
}

static size_t resident_kb(void) {
  size_t pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f == NULL || fscanf(f, "%*s %zu", &pages) != 1) fail("no statm");
  fclose(f);
  return pages * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

// steps leaves holes of 3 MiB between pieces that stay, too small for the 4 MiB that come next.
static void steps(void) {
  enum { count = 20 };
  piece keep[count], hole[count], large[count];
  size_t before = resident_kb();
  for (int i = 0; i < count; i++) hole[i] = fill(1, 3 << 17), keep[i] = fill(2, 1 << 17);
  for (int i = 0; i < count; i++) empty(&hole[i]);
  uint64_t with_holes = zos_host_read().resident;
  zos_host_trim_idle();
  check(zos_host_read().resident == with_holes, "trimmed between steps");
  for (int i = 0; i < 10; i++) large[i] = fill(3, 1 << 19);
  zos_host_stats s = zos_host_read();
  size_t grown = (resident_kb() - before) / 1024;
  printf("peak %zu held %zu resident %zu grown %zu MiB\n", (size_t)s.peak >> 20, (size_t)s.held >> 20, (size_t)s.resident >> 20, grown);
  check(s.held >> 20 >= 117 && s.peak >> 20 <= 80, "the holes were used");
  check(s.resident >> 20 <= 92 && grown <= 92, "more is resident than was in use at once");
  for (int i = 0; i < count; i++) empty(&keep[i]);
  for (int i = 0; i < 10; i++) empty(&large[i]);
  nothing_left();
}

int main(int n, char **args) {
  check(n > 1, "what?");
  if (strcmp(args[1], "random") == 0) randomly(n > 2 ? atoi(args[2]) : 1);
  if (strcmp(args[1], "hungry") == 0) hungry();
  if (strcmp(args[1], "apart") == 0) apart();
  if (strcmp(args[1], "steps") == 0) steps();
  return 0;
}
