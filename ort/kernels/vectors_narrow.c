// Vectors of 8 with the 32 registers of AVX-512, for rows that do not fill a vector of 16.
#if defined(__x86_64__)
#include <string.h>
#include "target.h"
ZOS_TARGET("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")
#define LANES 8
#define ROWS 8
#define KERNELS dw_narrow
#define NAME "avx512 by 8"
#include "depthwise_template.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
