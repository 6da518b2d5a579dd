// Chooses the kernels for this processor.
#include "dense.h"
#include "depthwise.h"
#include "pool.h"

#include <stdlib.h>
#include <string.h>

// level is 0 for portable, 1 for AVX2, 2 for AVX-512, or the level named by ZOS_KERNELS if lower.
static int level(void) {
  static int known = -1;  // every thread finds the same
  int l = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (l >= 0) return l;
  l = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) l = 1;
  if (l == 1 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
    l = 2;
  const char *limit = getenv("ZOS_KERNELS");
  if (limit != NULL && strcmp(limit, "portable") == 0) l = 0;
  if (limit != NULL && strcmp(limit, "avx2") == 0 && l > 1) l = 1;
#endif
  __atomic_store_n(&known, l, __ATOMIC_RELAXED);
  return l;
}

const dw_kernels *dw_choose(int width) {
#if defined(__x86_64__)
  if (level() > 0 && width <= 4) return &dw_short;
  if (level() == 2) return width > 8 ? &dw_avx512 : &dw_narrow;
  if (level() == 1) return &dw_avx2;
#else
  (void)width;
#endif
  (void)level;
  return &dw_portable;
}

const dense_kernels *dense_choose(void) {
#if defined(__x86_64__)
  if (level() == 2) return &dense_avx512;
  if (level() == 1) return &dense_avx2;
#endif
  return &dense_portable;
}

const pool_kernels *pool_choose(void) {
#if defined(__x86_64__)
  if (level() == 2) return &pool_avx512;
  if (level() == 1) return &pool_avx2;
#endif
  return &pool_portable;
}
