// Direct depthwise convolution: what the kernels compute, whatever instructions they use.
#ifndef ZOS_DEPTHWISE_H
#define ZOS_DEPTHWISE_H

#include <stdbool.h>
#include <stddef.h>

enum { dw_max_kernel = 7 };

// dw_shape is the geometry of one plane: X[h,w], W[k,k], Y[oh,ow],
// Y[i,j] = sum over a, b of W[a,b] X[i s + a d - p, j s + b d - p], zero outside X.
typedef struct {
  int h, w, oh, ow, k, s, p, d;
} dw_shape;

// dw_kernels are the kernels for one instruction set. Scratch is 64-byte aligned memory of the
// size that *_scratch tells, in floats; each thread needs its own.
typedef struct {
  const char *name;
  // forward computes planes from..to-1 of Y; plane i uses channel i mod channels of W.
  size_t (*forward_scratch)(const dw_shape *);
  void (*forward)(const dw_shape *, const float *x, const float *w, float *y, size_t channels,
                  size_t from, size_t to, float *scratch);
  // input computes planes of dX from dY and W. dX may be the memory of dY.
  size_t (*input_scratch)(const dw_shape *);
  void (*input)(const dw_shape *, const float *dy, const float *w, float *dx, size_t channels,
                size_t from, size_t to, float *scratch);
  // weight computes dW[k,k] of one channel, summed over the batch in order.
  size_t (*weight_scratch)(const dw_shape *);
  void (*weight)(const dw_shape *, const float *dy, const float *x, float *dw, size_t batch,
                 size_t channels, size_t channel, float *scratch);
} dw_kernels;

extern const dw_kernels dw_portable;
#if defined(__x86_64__)
extern const dw_kernels dw_avx2, dw_narrow, dw_avx512;
#endif

// dw_choose is the fastest kernels that this processor can run for rows of the given width. The
// environment variable ZOS_KERNELS (portable, avx2, avx512) holds it down, for tests.
const dw_kernels *dw_choose(int width);

#endif
