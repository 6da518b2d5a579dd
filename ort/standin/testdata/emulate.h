// Runs the text of CUDA kernels on the CPU, some blocks at a time. Every CUDA thread is a fiber. A
// barrier, or a shuffle of a warp, passes the processor on to another fiber until all have arrived. Blocks,
// and fibers between two barriers, run in an order that depends on $STANDIN_SEED and the launch: what
// depends on the order shows. Shared memory starts as NaN or as zero in every block.
//
// It shows whether the arithmetic, the barriers and the shuffles are right, and whether blocks wait for each
// other where they must. It does not show what depends on caches or on time.
#ifndef EMULATE_H
#define EMULATE_H
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { emu_slots = 3, emu_most = emu_slots * 256, emu_stack = 32 << 10, emu_shared_most = 48 << 10, emu_warp = 32 };
typedef struct { unsigned x, y, z; } emu_dim;
static emu_dim threadIdx, blockIdx;

typedef enum { emu_ready, emu_barrier, emu_shuffle, emu_done } emu_state;
static struct {
  void *stack_pointer;
  emu_state state;
  int line;         // of the barrier at which the fiber waits
  size_t shared;    // bytes of shared memory declared so far
} emu_fiber[emu_most];
static char *emu_stacks;
static void *emu_scheduler;
static unsigned emu_threads, emu_current;
static float emu_value[emu_most];
static _Alignas(16) char emu_shared[emu_slots][emu_shared_most];
static void (*emu_kernel)(const void *);
static const void *emu_arguments;

// emu_switch keeps the registers that a function must keep on the stack, and goes on with another stack.
void emu_switch(void **from, void *to);
__asm__(".text\nemu_switch:\n"
        "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
        "mov %rsp, (%rdi)\nmov %rsi, %rsp\n"
        "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n");

static void emu_wait(emu_state state, int line) {
  emu_fiber[emu_current].state = state;
  emu_fiber[emu_current].line = line;
  emu_switch(&emu_fiber[emu_current].stack_pointer, emu_scheduler);
}

static void emu_start(void) {
  emu_kernel(emu_arguments);
  emu_wait(emu_done, 0);
}

static void emu_prepare(unsigned i) {
  void **top = (void **)(emu_stacks + (size_t)(i + 1) * emu_stack);
  top[-1] = NULL;                // where emu_start would return to
  top[-2] = (void *)emu_start;   // where emu_switch returns to
  emu_fiber[i].stack_pointer = top - 8;
  emu_fiber[i].state = emu_ready;
  emu_fiber[i].shared = 0;
}

static void *emu_take(size_t bytes) {
  size_t at = emu_fiber[emu_current].shared;
  emu_fiber[emu_current].shared += (bytes + 15) / 16 * 16;
  if (emu_fiber[emu_current].shared > emu_shared_most) abort();
  return emu_shared[emu_current / emu_threads] + at;
}

// Every lane of the warp takes part in a shuffle.
static float emu_exchange(float v, unsigned mask) {
  unsigned me = emu_current;
  emu_value[me] = v;
  emu_wait(emu_shuffle, 0);
  v = emu_value[me ^ mask];
  emu_wait(emu_shuffle, 0);
  return v;
}

static unsigned emu_add(unsigned *to, unsigned n) {
  unsigned old = *to;
  *to += n;
  return old;
}

static uint64_t emu_random_state;
static unsigned emu_random(unsigned n) {
  emu_random_state = emu_random_state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)((emu_random_state >> 33) % n);
}

static void emu_order(unsigned *order, unsigned n) {
  for (unsigned i = 0; i < n; i++) {
    unsigned j = emu_random(i + 1);
    order[i] = order[j];
    order[j] = i;
  }
}

// emu_release lets those fibers of a range go on that wait as they should, if no other is still to come.
static int emu_release(unsigned first, unsigned end, emu_state state) {
  int line = -1;
  for (unsigned i = first; i < end; i++) {
    if (emu_fiber[i].state == emu_done) continue;
    if (emu_fiber[i].state != state || (line >= 0 && emu_fiber[i].line != line)) return 0;
    line = emu_fiber[i].line;
  }
  for (unsigned i = first; line >= 0 && i < end; i++)
    if (emu_fiber[i].state != emu_done) emu_fiber[i].state = emu_ready;
  return line >= 0;
}

// emu_begin prepares a block in a slot.
static void emu_begin(unsigned slot) {
  memset(emu_shared[slot], emu_random(2) ? 0xff : 0, sizeof emu_shared[slot]);
  for (unsigned i = 0; i < emu_threads; i++) emu_prepare(slot * emu_threads + i);
}

// emu_blocks runs blocks, as many at a time as there are slots. It fails if threads wait at different
// barriers.
static int emu_blocks(const unsigned *blocks, unsigned n) {
  unsigned order[emu_most], block[emu_slots], left[emu_slots] = {0}, begun = 0, done = 0;
  unsigned slots = n < emu_slots ? n : emu_slots, fibers = slots * emu_threads;
  unsigned held = 0;  // warps that stay behind for a while: the others run ahead as far as they may
  while (done < n) {
    int moved = 0;
    for (unsigned s = 0; s < slots && begun < n; s++) {
      if (left[s] > 0) continue;
      block[s] = blocks[begun++];
      left[s] = emu_threads;
      emu_begin(s);
    }
    if (emu_random(100) == 0) held = emu_random(1u << fibers / emu_warp);
    emu_order(order, fibers);
    for (unsigned i = 0; i < fibers; i++) {
      unsigned s = order[i] / emu_threads;
      emu_current = order[i];
      if (left[s] == 0 || emu_fiber[emu_current].state != emu_ready) continue;
      moved = 1;
      if (held >> emu_current / emu_warp & 1) continue;
      threadIdx = (emu_dim){emu_current % emu_threads, 0, 0};
      blockIdx = (emu_dim){block[s], 0, 0};
      emu_switch(&emu_scheduler, emu_fiber[emu_current].stack_pointer);
      left[s] -= emu_fiber[emu_current].state == emu_done;
      done += left[s] == 0;
    }
    for (unsigned w = 0; w < fibers; w += emu_warp) moved |= emu_release(w, w + emu_warp, emu_shuffle);
    for (unsigned s = 0; s < slots; s++)
      moved |= emu_release(s * emu_threads, (s + 1) * emu_threads, emu_barrier);
    if (!moved) return 719;  // CUDA_ERROR_LAUNCH_FAILED
  }
  return 0;
}

static int emu_launch(void (*kernel)(const void *), unsigned n, unsigned threads, const void *arguments) {
  static uint64_t launches;
  const char *seed = getenv("STANDIN_SEED");
  emu_random_state = (seed ? strtoull(seed, NULL, 10) : 0) * 1000003 + ++launches;
  if (emu_stacks == NULL) emu_stacks = malloc((size_t)emu_most * emu_stack);
  unsigned *blocks = malloc(sizeof *blocks * n);
  if (emu_stacks == NULL || blocks == NULL || threads > emu_most / emu_slots || threads % emu_warp) return 1;
  emu_kernel = kernel;
  emu_arguments = arguments;
  emu_threads = threads;
  emu_order(blocks, n);
  int failed = emu_blocks(blocks, n);
  free(blocks);
  return failed;
}

static inline uint32_t emu_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline float emu_float(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// The words of CUDA that the kernels use.
#define BITS_OF(x) emu_bits(x)
#define FLOAT_OF(bits) emu_float(bits)
#define KERNEL(name, table)                              \
  void emulated_##name(const void *arguments) {           \
    const table *t = arguments;                            \
    run(t->jobs, t->count);                                \
  }
#define SHARED(type, name, count) type *name = emu_take(sizeof(type) * (count))
#define DEVICE static inline
#define DEVICE_DATA static
#define __syncthreads() emu_wait(emu_barrier, __LINE__)
#define __shfl_xor_sync(lanes, v, mask) emu_exchange(v, mask)
#define __threadfence() ((void)0)
#define __ldcg(p) (*(p))
#define atomicAdd emu_add
#endif
