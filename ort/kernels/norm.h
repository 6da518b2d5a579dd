// Statistics of a batch norm, joined from those of single planes.
#ifndef ZOS_NORM_H
#define ZOS_NORM_H

#include <stddef.h>

// norm_moments joins the moments of batch planes of n numbers to the mean and the biased variance
// of each channel. Sample i and channel c are at i channels + c.
void norm_moments(const double *means, const double *squares, size_t batch, size_t channels,
                  size_t n, float *mean, float *variance);

// norm_gradient holds the numbers that the backward pass needs for one channel: dX = k0 dY + k1 +
// k2 (X - mean).
typedef struct {
  float k0, k1, k2;
  double dscale, dbias;
} norm_gradient;

// norm_slopes joins the slopes of batch planes of n numbers.
norm_gradient norm_slopes(const double *s0, const double *s1, size_t batch, size_t channels,
                          size_t channel, size_t n, float variance, float epsilon, float scale);

float norm_inverse(float variance, float epsilon);  // 1 / sqrt(variance + epsilon)

#endif
