// Vectors of 8 on x86-64.
#if defined(__x86_64__)
#include <string.h>
#include "target.h"
ZOS_TARGET("avx2,fma")
#define LANES 8
#define ROWS 4
#define MR 4
#define NR 2
#define OR 4
#define OC 3
#define KERNELS dw_avx2
#define DENSE dense_avx2
#define POOL pool_avx2
#define NAME "avx2"
#include "depthwise_template.h"
#include "dense_template.h"
#include "pool_template.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
