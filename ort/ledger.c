// An allocator of host memory that writes down what is in use, each time that it changes, in multiples of 256 bytes as
// an arena counts.
#include "allocator.h"
#include "block.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static struct {
  pthread_mutex_t lock;
  OrtMemoryInfo *info;  // NULL: not registered
  zos_entry *uses;
  size_t count, room;
  int64_t bytes;
} ledger = {.lock = PTHREAD_MUTEX_INITIALIZER};

// header lies before every block, and keeps it aligned to 64 bytes.
typedef union {
  size_t bytes;
  char align[64];
} header;

// note writes down a change. Without memory for it, the change still counts.
static void note(int64_t change) {
  struct timespec now;
  pthread_mutex_lock(&ledger.lock);
  ledger.bytes += change;
  if (ledger.count == ledger.room) {
    size_t room = ledger.room ? 2 * ledger.room : 4096;
    zos_entry *more = realloc(ledger.uses, room * sizeof *more);
    if (more != NULL) ledger.uses = more, ledger.room = room;
  }
  if (ledger.count < ledger.room) {
    clock_gettime(CLOCK_REALTIME, &now);
    ledger.uses[ledger.count++] = (zos_entry){now.tv_sec * INT64_C(1000000000) + now.tv_nsec, ledger.bytes};
  }
  pthread_mutex_unlock(&ledger.lock);
}

// large is the size from which a block has pages of its own, so that no more memory is taken than is in use: the heap
// of the C library would keep what is given back between blocks that stay, four times the peak of a step.
enum { large = 1 << 16 };

static header *take(size_t bytes) {
  void *p = NULL;
  if (bytes < large) return posix_memalign(&p, sizeof(header), bytes) == 0 ? p : NULL;
  p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  return p == MAP_FAILED ? NULL : p;
}

static void *alloc(allocator *self, size_t bytes) {
  if (bytes == 0) return NULL;
  header *h = bytes > SIZE_MAX - 2 * sizeof *h ? NULL : take(bytes + sizeof *h);
  if (h == NULL) {
    zos_bad_alloc();
    return NULL;
  }
  h->bytes = bytes;
  note((int64_t)zos_aligned(bytes));
  return h + 1;
}

static void give_back(allocator *self, void *p) {
  if (p == NULL) return;
  header *h = (header *)p - 1;
  size_t bytes = h->bytes + sizeof *h;
  note(-(int64_t)zos_aligned(h->bytes));
  if (bytes < large)
    free(h);
  else
    munmap(h, bytes);
}

static const OrtMemoryInfo *info(const allocator *self) { return ledger.info; }

OrtStatus *zos_ledger_register(OrtEnv *env) {
  static allocator self = {18, alloc, give_back, info, alloc};
  return zos_register(env, &self, "Cpu", 0, &ledger.info);
}

OrtStatus *zos_ledger_unregister(OrtEnv *env) { return zos_unregister(env, &ledger.info); }

size_t zos_ledger_take(zos_entry **uses) {
  pthread_mutex_lock(&ledger.lock);
  size_t count = ledger.count;
  *uses = ledger.uses;
  ledger.uses = NULL;
  ledger.count = ledger.room = 0;
  pthread_mutex_unlock(&ledger.lock);
  return count;
}
