#include "norm.h"

#include <math.h>

void norm_moments(const double *means, const double *squares, size_t batch, size_t channels,
                  size_t n, float *mean, float *variance) {
  for (size_t c = 0; c < channels; c++) {
    double sum = 0, square = 0;
    for (size_t i = 0; i < batch; i++) sum += means[i * channels + c];
    double m = sum / (double)batch;
    for (size_t i = 0; i < batch; i++) {
      double d = means[i * channels + c] - m;
      square += squares[i * channels + c] + d * d * (double)n;
    }
    mean[c] = (float)m;
    variance[c] = (float)(square / ((double)n * (double)batch));
  }
}

float norm_inverse(float variance, float epsilon) {
  return (float)(1 / sqrt((double)variance + epsilon));
}

// With <> the mean over the channel and z = (x - mean) inv:
// dx = scale inv (dy - <dy> - z <dy z>), dscale = sum dy z, dbias = sum dy.
norm_gradient norm_slopes(const double *s0, const double *s1, size_t batch, size_t channels,
                          size_t channel, size_t n, float variance, float epsilon, float scale) {
  double dy = 0, dyx = 0, count = (double)n * (double)batch;
  for (size_t i = 0; i < batch; i++) {
    dy += s0[i * channels + channel];
    dyx += s1[i * channels + channel];
  }
  double inv = 1 / sqrt((double)variance + epsilon), a = scale * inv;
  return (norm_gradient){.k0 = (float)a,
                         .k1 = (float)(-a * dy / count),
                         .k2 = (float)(-a * inv * inv * dyx / count),
                         .dscale = dyx * inv,
                         .dbias = dy};
}
