// Loops over dense memory: small matrix products, statistics and elementwise passes.
#ifndef ZOS_DENSE_H
#define ZOS_DENSE_H

#include <stddef.h>

// dense_align divides the length of a matrix product's rows, which are padded with zeros, and the
// distance of rows in memory.
enum { dense_align = 16 };

typedef struct {
  // product is C[m,n] = A[m,k] B[k,n] with rows of A lda and those of B and C ld apart. n is a
  // multiple of dense_align.
  void (*product)(size_t m, size_t k, size_t n, const float *a, size_t lda, const float *b,
                  float *c, size_t ld);
  // outer is C[m,n] = A[m,k] B[n,k]' with rows of A and B ld apart. k is a multiple of dense_align.
  // work has room for n k floats.
  void (*outer)(size_t m, size_t n, size_t k, const float *a, const float *b, size_t ld, float *c,
                float *work);
  // moments are the mean of x[n] and the sum of squared differences from it.
  void (*moments)(const float *x, size_t n, double *mean, double *squares);
  // slopes are the sums of dy and of dy (x - mean).
  void (*slopes)(const float *dy, const float *x, float mean, size_t n, double *s0, double *s1);
  // affine is y = (x - mean) a + b, plus add unless it is NULL.
  void (*affine)(float *y, const float *x, float mean, float a, float b, const float *add,
                 size_t n);
  // blend is y = k0 dy + k1 + k2 (x - mean), plus add unless it is NULL.
  void (*blend)(float *y, const float *dy, const float *x, float mean, float k0, float k1, float k2,
                const float *add, size_t n);
  void (*relu)(float *y, const float *x, size_t n);
  // mask is y = dy where x > 0, else 0; plus add unless it is NULL.
  void (*mask)(float *y, const float *dy, const float *x, const float *add, size_t n);
  // pick copies every second pixel of every second row of relu(x)[h,w], from the first row and column on
  // to first, from the second ones on to last. h and w are even.
  void (*pick)(float *first, float *last, const float *x, size_t h, size_t w);
  // unpick puts first and last back to these places of dx[h,w] where x > 0, and 0 elsewhere; plus add
  // unless it is NULL.
  void (*unpick)(float *dx, const float *first, const float *last, const float *x, const float *add,
                 size_t h, size_t w);
  // scale is y = w x, plus add unless it is NULL.
  void (*scale)(float *y, const float *x, float w, const float *add, size_t n);
  double (*dot)(const float *x, const float *y, size_t n);
  // sum is y[n] = the sum of rows of x[rows,n], in order.
  void (*sum)(float *y, const float *x, size_t rows, size_t n);
  // busy multiplies and adds only in registers, and returns the number of operations: no kernel can
  // be faster. sink takes the meaningless result.
  double (*busy)(size_t steps, float *sink);
} dense_kernels;

extern const dense_kernels dense_portable;
#if defined(__x86_64__)
extern const dense_kernels dense_avx2, dense_avx512;
#endif

const dense_kernels *dense_choose(void);

#endif
