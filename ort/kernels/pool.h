// Pools of single planes.
#ifndef ZOS_POOL_H
#define ZOS_POOL_H

#include "depthwise.h"

typedef struct {
  size_t (*scratch)(const dw_shape *);  // in floats
  // forward computes Y[oh,ow] from X[h,w]: the maximum or the mean of each window.
  void (*forward)(const dw_shape *, bool max, const float *x, float *y, float *scratch);
  // backward adds the gradient to dX. The first of equal maxima in scan order gets dY, as in ONNX
  // Runtime. A mean does not need X.
  void (*backward)(const dw_shape *, bool max, const float *x, const float *dy, float *dx,
                   float *scratch);
} pool_kernels;

extern const pool_kernels pool_portable;
#if defined(__x86_64__)
extern const pool_kernels pool_avx2, pool_avx512;
#endif

const pool_kernels *pool_choose(void);

#endif
