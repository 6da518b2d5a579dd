// What must happen before the Go runtime starts, and so before there are threads.
#ifdef __linux__
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#endif
#ifdef __GLIBC__
#include <malloc.h>
#endif

#ifdef __linux__
// The Go runtime ends with registers and stacks on the screen where it cannot reserve its tables or start a thread.
// What it needs is tried here, while a line of text can still say what is missing.
enum {
  stack_least = 512 << 10,    // ONNX Runtime crashes with 64 KiB and runs with 128
  stack_most = 8 << 20,       // a larger ulimit -s would only take address space, once for every thread
  files_least = 32,           // a search has 10 open at a time
  threads_beside = 6,         // of the Go runtime, beside one for every processor
  threads_tried = 64,         // what is tried at most
};
// 1070 MB are reserved for tables, 65 MB is the program, 64 MB are the first part of the heap (Go 1.26).
static const size_t space_least = (size_t)1280 << 20;

static size_t stack_size;

static void refuse(const char *text, long need, const char *unit, long have, const char *limit) {
  char line[320];
  int n = snprintf(line, sizeof line,
                   "zos-ort: error: %s: the program needs %ld%s to start, and the system allows %ld%s: raise %s\n",
                   text, need, unit, have, unit, limit);
  if (write(2, line, (size_t)n) < 0) _exit(1);
  _exit(1);
}

static long processors(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : sysconf(_SC_NPROCESSORS_ONLN);
}

static void limit_stacks(void) {
  struct rlimit l;
  pthread_attr_t attr;
  if (getrlimit(RLIMIT_STACK, &l) == 0 && l.rlim_cur < stack_least)
    refuse("stack", stack_least >> 10, " KB", (long)(l.rlim_cur >> 10), "ulimit -s");
  stack_size = stack_most;
  if (pthread_attr_init(&attr) != 0) return;
  if (pthread_attr_getstacksize(&attr, &stack_size) == 0 && stack_size > stack_most) {
    stack_size = stack_most;
#ifdef __GLIBC__
    if (pthread_attr_setstacksize(&attr, stack_size) == 0) pthread_setattr_default_np(&attr);
#endif
  }
  pthread_attr_destroy(&attr);
}

static void try_files(void) {
  struct rlimit l; // Go raises the soft limit to the hard one
  if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_max < files_least)
    refuse("open files", files_least, "", (long)l.rlim_max, "ulimit -n");
}

// taken is the address space that the program and its libraries have, in MB.
static long taken(void) {
  long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f == NULL) return 0;
  if (fscanf(f, "%ld", &pages) != 1) pages = 0;
  fclose(f);
  return pages * (sysconf(_SC_PAGESIZE) >> 10) >> 10;
}

// try_space reserves what is needed at once, as the limit counts what is reserved, used or not.
static void try_space(long threads) {
  size_t need = space_least + (size_t)threads * stack_size;
  void *all = mmap(NULL, need, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (all != MAP_FAILED) {
    munmap(all, need);
    return;
  }
  struct rlimit l;
  long have = getrlimit(RLIMIT_AS, &l) == 0 && l.rlim_cur != RLIM_INFINITY ? (long)(l.rlim_cur >> 20) : 0;
  refuse("address space", (long)(need >> 20) + taken(), " MB", have, "ulimit -v");
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *wait_at_gate(void *unused) {
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
  return unused;
}

// try_threads has as many threads at the same time as are needed: a limit may be one of the user, of a control group
// or of the machine, and only trying finds all.
static void try_threads(long need) {
  pthread_t threads[threads_tried];
  long n = 0;
  pthread_mutex_lock(&gate);
  while (n < need && pthread_create(&threads[n], NULL, wait_at_gate, NULL) == 0) n++;
  pthread_mutex_unlock(&gate);
  for (long i = 0; i < n; i++) pthread_join(threads[i], NULL);
  if (n < need)
    refuse("threads", need, "", n, "ulimit -u, or pids.max of the control group");
}

static void try_limits(void) {
  long threads = processors() + threads_beside;
  if (threads > threads_tried) threads = threads_tried;
  limit_stacks();
  try_files();
  try_space(threads);
  try_threads(threads);
}
#endif

// glibc gives every thread a heap of its own, and Go calls a session from any thread. Each step
// would leave its freed tensors in another heap, where the next step cannot use them. A single heap
// must be requested before there are threads. With a single heap, the resident set of a small DARTS
// search falls from 680-820 MB to 480 MB, in no more time.
__attribute__((constructor)) static void start(void) {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, 1);
#endif
#ifdef __linux__
  try_limits();
#endif
}
