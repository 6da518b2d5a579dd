// Vectors of 4 with the instructions of AVX2, for rows that do not fill a vector of 8.
#if defined(__x86_64__)
#include <string.h>
#include "target.h"
ZOS_TARGET("avx2,fma")
#define LANES 4
#define ROWS 4
#define KERNELS dw_short
#define NAME "avx2 by 4"
#include "depthwise_template.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
