// Vectors of 16 on x86-64.
#if defined(__x86_64__)
#include <string.h>
#include "target.h"
ZOS_TARGET("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")
#define LANES 16
#define ROWS 8
#define MR 4
#define NR 4
#define OR 4
#define OC 4
#define KERNELS dw_avx512
#define DENSE dense_avx512
#define POOL pool_avx512
#define NAME "avx512"
#include "depthwise_template.h"
#include "dense_template.h"
#include "pool_template.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
