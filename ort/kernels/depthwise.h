// Direct depthwise convolution: what the kernels compute, with any instruction set.
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

// dw_planes are planes of X and Y (or of dX and dY): plane i of either starts i steps from its
// start and uses the weights of channel i mod channels. Planes from..to-1 are computed.
typedef struct {
  const float *in, *w;
  float *out;
  size_t in_step, out_step, channels, from, to;
  bool relu;  // of X, as it is read
} dw_planes;

// dw_pull are the planes of images: X[images,channels,h,w], dY with planes dy_step apart, W[channels,k,k].
// dX is zero where X is not positive; add is added unless it is NULL. dX or dW may be NULL.
typedef struct {
  const float *dy, *x, *w, *add;
  float *dx, *dw;
  size_t dy_step, channels, images;
} dw_pull;

// dw_kernels are the kernels for one instruction set. Scratch is 64-byte aligned memory whose size
// in floats *_scratch returns; each thread needs its own.
typedef struct {
  const char *name;
  size_t (*forward_scratch)(const dw_shape *);
  void (*forward)(const dw_shape *, const dw_planes *, float *scratch);
  // input computes dX (out) from dY (in) and W. Each plane of out may lie in the memory of that
  // plane of in.
  size_t (*input_scratch)(const dw_shape *);
  void (*input)(const dw_shape *, const dw_planes *, float *scratch);
  // weight computes dW[k,k] of one channel from batch planes of dY and X, in order, each a step
  // after the previous one.
  size_t (*weight_scratch)(const dw_shape *);
  void (*weight)(const dw_shape *, const float *dy, size_t dy_step, const float *x, size_t x_step,
                 bool relu, size_t batch, float *dw, float *scratch);
  // pull computes dX and dW for the convolution of relu(X), in less time than input and weight
  // take. pull_scratch is 0 for a shape that it does not know.
  size_t (*pull_scratch)(const dw_shape *);
  void (*pull)(const dw_shape *, const dw_pull *, float *scratch);
} dw_kernels;

extern const dw_kernels dw_portable;
#if defined(__x86_64__)
extern const dw_kernels dw_avx2, dw_short, dw_narrow, dw_avx512;
#endif

// dw_choose returns the fastest kernels that this processor can run for rows of the given width.
// The environment variable ZOS_KERNELS (portable or avx2) limits the choice, for tests.
const dw_kernels *dw_choose(int width);

#endif
