// The loops of dense.h for vectors of LANES floats; see depthwise_template.h, which comes first.
//   MR, NR   tile of a product: MR rows by NR vectors
//   OR, OC   tile of an outer product: OR rows by OC columns
//   DENSE    name of the resulting table

#include "dense.h"

INLINE void tile(const int M, const int N, size_t k, const float *a, size_t lda, const float *b,
                 float *c, size_t ld) {
  vec acc[MR][NR];  // M by N of them
#pragma GCC unroll 8
  for (int r = 0; r < M; r++) {
#pragma GCC unroll 8
    for (int j = 0; j < N; j++) acc[r][j] = (vec){0};
  }
  for (size_t p = 0; p < k; p++) {
    vec x[NR];
#pragma GCC unroll 8
    for (int j = 0; j < N; j++) x[j] = load(b + p * ld + j * LANES);
#pragma GCC unroll 8
    for (int r = 0; r < M; r++) {
#pragma GCC unroll 8
      for (int j = 0; j < N; j++) acc[r][j] += a[r * lda + p] * x[j];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < M; r++) {
#pragma GCC unroll 8
    for (int j = 0; j < N; j++) store(c + r * ld + j * LANES, acc[r][j]);
  }
}

INLINE void panel(const int N, size_t m, size_t k, const float *a, size_t lda, const float *b,
                  float *c, size_t ld) {
  size_t i = 0;
  for (; i + MR <= m; i += MR) tile(MR, N, k, a + i * lda, lda, b, c + i * ld, ld);
  for (; i < m; i++) tile(1, N, k, a + i * lda, lda, b, c + i * ld, ld);
}

static void product(size_t m, size_t k, size_t n, const float *a, size_t lda, const float *b,
                    float *c, size_t ld) {
  size_t j = 0;
  for (; j + NR * LANES <= n; j += NR * LANES) panel(NR, m, k, a, lda, b + j, c + j, ld);
  for (; j < n; j += LANES) panel(1, m, k, a, lda, b + j, c + j, ld);
}

INLINE void outer_tile(const int M, const int N, size_t n, size_t k, const float *a, const float *b,
                       size_t ld, float *c) {
  vec acc[OR][OC];  // M by N of them
#pragma GCC unroll 8
  for (int r = 0; r < M; r++) {
#pragma GCC unroll 8
    for (int j = 0; j < N; j++) acc[r][j] = (vec){0};
  }
  for (size_t p = 0; p < k; p += LANES) {
    vec x[OC];
#pragma GCC unroll 8
    for (int j = 0; j < N; j++) x[j] = load(b + j * ld + p);
#pragma GCC unroll 8
    for (int r = 0; r < M; r++) {
      vec y = load(a + r * ld + p);
#pragma GCC unroll 8
      for (int j = 0; j < N; j++) acc[r][j] += y * x[j];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < M; r++) {
#pragma GCC unroll 8
    for (int j = 0; j < N; j++) c[r * n + j] = total(acc[r][j]);
  }
}

// turn is B' for B[n,k], in blocks of one cache line.
static void turn(size_t n, size_t k, const float *restrict b, size_t ld, float *restrict t) {
  for (size_t p0 = 0; p0 < k; p0 += dense_align) {
    for (size_t j0 = 0; j0 < n; j0 += dense_align) {
      for (size_t p = p0; p < p0 + dense_align; p++) {
        for (size_t j = j0; j < j0 + dense_align; j++) t[p * n + j] = b[j * ld + p];
      }
    }
  }
}

// outer keeps one sum per lane, and adds up the lanes for each element of C. For short rows that
// takes most of the time, and a product with B' takes less.
static void outer(size_t m, size_t n, size_t k, const float *a, const float *b, size_t ld, float *c,
                  float *work) {
  if (k <= 12 * LANES && n % dense_align == 0) {
    turn(n, k, b, ld, work);
    product(m, k, n, a, ld, work, c, n);
    return;
  }
  size_t i = 0;
  for (; i + OR <= m; i += OR) {
    size_t j = 0;
    for (; j + OC <= n; j += OC)
      outer_tile(OR, OC, n, k, a + i * ld, b + j * ld, ld, c + i * n + j);
    for (; j < n; j++) outer_tile(OR, 1, n, k, a + i * ld, b + j * ld, ld, c + i * n + j);
  }
  for (; i < m; i++) {
    for (size_t j = 0; j < n; j++)
      outer_tile(1, 1, n, k, a + i * ld, b + j * ld, ld, c + i * n + j);
  }
}

static void moments(const float *x, size_t n, double *mean, double *squares) {
  vec s[4] = {{0}, {0}, {0}, {0}};
  size_t i = 0;
  for (; i + 4 * LANES <= n; i += 4 * LANES) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) s[j] += load(x + i + j * LANES);
  }
  double sum = total((s[0] + s[1]) + (s[2] + s[3]));
  for (; i < n; i++) sum += x[i];
  *mean = sum / (double)n;
  float m = (float)*mean;
  vec q[4] = {{0}, {0}, {0}, {0}};
  for (i = 0; i + 4 * LANES <= n; i += 4 * LANES) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      vec d = load(x + i + j * LANES) - m;
      q[j] += d * d;
    }
  }
  double squared = total((q[0] + q[1]) + (q[2] + q[3]));
  for (; i < n; i++) squared += (double)(x[i] - m) * (x[i] - m);
  *squares = squared;
}

static void slopes(const float *dy, const float *x, float mean, size_t n, double *s0, double *s1) {
  vec s[2] = {{0}, {0}}, t[2] = {{0}, {0}};
  size_t i = 0;
  for (; i + 2 * LANES <= n; i += 2 * LANES) {
#pragma GCC unroll 2
    for (int j = 0; j < 2; j++) {
      vec d = load(dy + i + j * LANES);
      s[j] += d;
      t[j] += d * (load(x + i + j * LANES) - mean);
    }
  }
  double a = total(s[0] + s[1]), b = total(t[0] + t[1]);
  for (; i < n; i++) {
    a += dy[i];
    b += (double)dy[i] * (x[i] - mean);
  }
  *s0 = a;
  *s1 = b;
}

static double dot(const float *x, const float *y, size_t n) {
  enum { run = 1024 };  // keeps every float32 sum short
  double sum = 0;
  for (size_t from = 0; from < n; from += run) {
    size_t to = from + run < n ? from + run : n, i = from;
    vec s[2] = {{0}, {0}};
    for (; i + 2 * LANES <= to; i += 2 * LANES) {
#pragma GCC unroll 2
      for (int j = 0; j < 2; j++) s[j] += load(x + i + j * LANES) * load(y + i + j * LANES);
    }
    sum += total(s[0] + s[1]);
    for (; i < to; i++) sum += (double)x[i] * y[i];
  }
  return sum;
}

static void affine(float *y, const float *x, float mean, float a, float b, const float *add,
                   size_t n) {
  if (add == NULL) {
    for (size_t i = 0; i < n; i++) y[i] = (x[i] - mean) * a + b;
  } else {
    for (size_t i = 0; i < n; i++) y[i] = (x[i] - mean) * a + b + add[i];
  }
}

static void blend(float *y, const float *dy, const float *x, float mean, float k0, float k1,
                  float k2, const float *add, size_t n) {
  if (add == NULL) {
    for (size_t i = 0; i < n; i++) y[i] = k0 * dy[i] + k1 + k2 * (x[i] - mean);
  } else {
    for (size_t i = 0; i < n; i++) y[i] = k0 * dy[i] + k1 + k2 * (x[i] - mean) + add[i];
  }
}

static void relu(float *y, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = positive(x[i]);
}

static void mask(float *y, const float *dy, const float *x, const float *add, size_t n) {
  if (add == NULL) {
    for (size_t i = 0; i < n; i++) y[i] = x[i] > 0 ? dy[i] : 0;
  } else {
    for (size_t i = 0; i < n; i++) y[i] = (x[i] > 0 ? dy[i] : 0) + add[i];
  }
}

// pick_row copies the even or the odd columns of 2 n floats.
INLINE void pick_row(const int odd, float *to, const float *row, size_t n) {
  size_t j = 0;
  for (; j + LANES <= n; j += LANES) {
    vec part[2];
    halves(load(row + 2 * j), load(row + 2 * j + LANES), &part[0], &part[1]);
    store(to + j, positives(part[odd]));
  }
  for (; j < n; j++) to[j] = positive(row[2 * j + odd]);
}

static void pick(float *first, float *last, const float *x, size_t h, size_t w) {
  size_t n = w / 2;
  for (size_t i = 0; i < h / 2; i++) {
    pick_row(0, first + i * n, x + 2 * i * w, n);
    pick_row(1, last + i * n, x + (2 * i + 1) * w, n);
  }
}

// unpick_row is the inverse of pick_row, with zeros in the other columns.
INLINE void unpick_row(const size_t odd, float *dx, const float *from, const float *x, const float *add,
                       size_t n) {
  size_t j = 0;
  for (; j + LANES <= n; j += LANES) {
    vec d = load(from + j), none = {0}, y[2];
    zip(odd ? none : d, odd ? d : none, &y[0], &y[1]);
#pragma GCC unroll 2
    for (size_t c = 0; c < 2; c++) {
      size_t to = 2 * j + c * LANES;
      masked(y[c], x + to, add == NULL ? NULL : add + to, dx + to);
    }
  }
  for (j = 2 * j; j < 2 * n; j++)
    dx[j] = (j % 2 == odd && x[j] > 0 ? from[j / 2] : 0) + (add == NULL ? 0 : add[j]);
}

static void unpick(float *dx, const float *first, const float *last, const float *x,
                   const float *add, size_t h, size_t w) {
  size_t n = w / 2;
  for (size_t i = 0; i < h; i++) {
    const float *row = add == NULL ? NULL : add + i * w;
    if (i % 2 == 0)
      unpick_row(0, dx + i * w, first + i / 2 * n, x + i * w, row, n);
    else
      unpick_row(1, dx + i * w, last + i / 2 * n, x + i * w, row, n);
  }
}

static void scale(float *y, const float *x, float w, const float *add, size_t n) {
  if (add == NULL) {
    for (size_t i = 0; i < n; i++) y[i] = w * x[i];
  } else {
    for (size_t i = 0; i < n; i++) y[i] = w * x[i] + add[i];
  }
}

static void sum(float *restrict y, const float *restrict x, size_t rows, size_t n) {
  memcpy(y, x, sizeof(float) * n);
  for (size_t r = 1; r < rows; r++) {
    for (size_t i = 0; i < n; i++) y[i] += x[r * n + i];
  }
}

// Ten sums keep two units busy whose operations take up to five cycles each.
static double busy(size_t steps, float *sink) {
  vec acc[10];
#pragma GCC unroll 10
  for (int j = 0; j < 10; j++) acc[j] = (vec){0} + (float)j;
  vec x = (vec){0} + .5f, y = (vec){0} + sink[0];
  for (size_t i = 0; i < steps; i++) {
#pragma GCC unroll 10
    for (int j = 0; j < 10; j++) acc[j] = acc[j] * x + y;
  }
  float all = 0;
#pragma GCC unroll 10
  for (int j = 0; j < 10; j++) all += total(acc[j]);
  sink[0] = all;
  return 2.0 * 10 * LANES * (double)steps;
}

const dense_kernels DENSE = {product, outer, moments, slopes, affine, blend, relu,
                             mask,    pick,  unpick,  scale,  dot,    sum,   busy};
