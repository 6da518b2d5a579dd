// Vectors of 4: SSE2, NEON, or whatever the compiler makes of them.
#define LANES 4
#if defined(__aarch64__)
#define ROWS 8
#define MR 4
#define NR 4
#define OR 4
#define OC 4
#else
#define ROWS 4
#define MR 4
#define NR 2
#define OR 4
#define OC 3
#endif
#define KERNELS dw_portable
#define DENSE dense_portable
#define POOL pool_portable
#define NAME "portable"
#include "depthwise_template.h"
#include "dense_template.h"
#include "pool_template.h"
