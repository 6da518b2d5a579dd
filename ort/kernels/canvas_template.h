// Vectors of LANES floats, and zero-bordered copies of planes.

#include "depthwise.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int ivec __attribute__((vector_size(4 * LANES)));
typedef float uvec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

#if defined(__clang__)
#define SHUFFLE(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else  // all versions of GCC have this one
#define SHUFFLE(x, y, ...) __builtin_shuffle(x, y, (ivec){__VA_ARGS__})
#endif

INLINE vec load(const float *p) { return *(const uvec *)p; }
INLINE void store(float *p, vec v) { *(uvec *)p = v; }

// total is the sum of the lanes, halves first.
INLINE float total(vec v) {
#if LANES == 16
  typedef float half __attribute__((vector_size(32)));
  union { vec v; half h[2]; } a = {v};
  half w = a.h[0] + a.h[1];
#else
  vec w = v;
#endif
#if LANES >= 8
  typedef float quarter __attribute__((vector_size(16)));
  union { __typeof__(w) w; quarter q[2]; } b = {w};
  quarter x = b.q[0] + b.q[1];
#else
  vec x = w;
#endif
  return (x[0] + x[2]) + (x[1] + x[3]);
}

INLINE int at_least(int a, int b) { return a > b ? a : b; }
INLINE int round_up(int a, int b) { return (a + b - 1) / b * b; }

// canvas is the geometry of a zero-bordered buffer: rows of ld floats, the first of which are not
// used, so that the image begins at a whole vector. With step 2 a row holds its even columns first
// and then, from half on, its odd ones, so that columns two apart are neighbours.
typedef struct {
  int rows, ld, left, half, step, top;
  int offset[dw_max_kernel];  // where tap b finds column 0
} canvas;

// canvas_of is the canvas for computing rows by cols outputs with stride s. The image begins at row
// and column top.
static canvas canvas_of(const dw_shape *c, int rows, int cols, int s, int top) {
  int reach = c->d * (c->k - 1);
  canvas v = {.rows = s * (rows - 1) + reach + 1, .step = s, .top = top};
  cols = at_least(cols, LANES);
  v.left = s == 1 && top >= 0 ? round_up(top, LANES) - top : 0;
  v.half = s == 1 ? 0 : cols + reach / 2 + 1;
  v.ld = s == 1 ? round_up(v.left + cols + reach, LANES) : 2 * v.half;
  for (int b = 0; b < c->k; b++) {
    int x = b * c->d;
    v.offset[b] = s == 1 ? v.left + x : (x & 1) * v.half + x / 2;
  }
  return v;
}

INLINE size_t canvas_size(const canvas *v) { return (size_t)round_up(v->rows * v->ld, 16); }

INLINE float positive(float x) { return x < 0 ? 0 : x; }  // NaN stays

INLINE vec positives(vec x) {
  return (vec)((ivec)x & ~(ivec)(x < 0));
}

// copy copies n floats, clamped to zero from below if relu. The last vector overlaps the one
// before.
INLINE void copy(const bool relu, float *restrict to, const float *restrict from, int n) {
  if (n < LANES) {
    for (int j = 0; j < n; j++) to[j] = relu ? positive(from[j]) : from[j];
    return;
  }
  for (int j = 0; j < n; j += LANES) {
    int at = j + LANES <= n ? j : n - LANES;
    vec x = load(from + at);
    store(to + at, relu ? positives(x) : x);
  }
}

// halves returns every other float of x and y together, from the first and from the second on.
INLINE void halves(vec x, vec y, vec *first, vec *second) {
#if LANES == 16
  *first = SHUFFLE(x, y, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  *second = SHUFFLE(x, y, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
#elif LANES == 8
  *first = SHUFFLE(x, y, 0, 2, 4, 6, 8, 10, 12, 14);
  *second = SHUFFLE(x, y, 1, 3, 5, 7, 9, 11, 13, 15);
#else
  *first = SHUFFLE(x, y, 0, 2, 4, 6);
  *second = SHUFFLE(x, y, 1, 3, 5, 7);
#endif
}

// zip is the inverse of halves.
INLINE void zip(vec first, vec second, vec *x, vec *y) {
#if LANES == 16
  *x = SHUFFLE(first, second, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  *y = SHUFFLE(first, second, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#elif LANES == 8
  *x = SHUFFLE(first, second, 0, 8, 1, 9, 2, 10, 3, 11);
  *y = SHUFFLE(first, second, 4, 12, 5, 13, 6, 14, 7, 15);
#else
  *x = SHUFFLE(first, second, 0, 4, 1, 5);
  *y = SHUFFLE(first, second, 2, 6, 3, 7);
#endif
}

// part copies n floats: those at even places go to first, those at odd places to second. The last
// vectors overlap the ones before.
INLINE void part(const bool relu, float *restrict first, float *restrict second,
                 const float *restrict from, int n) {
  int pairs = n / 2;
  if (n == LANES) {  // half a vector each
    vec x = load(from), y;
    if (relu) x = positives(x);
    halves(x, x, &x, &y);
    memcpy(first, &x, sizeof x / 2);
    memcpy(second, &y, sizeof y / 2);
    return;
  }
  for (int j = 0; pairs >= LANES && j < pairs; j += LANES) {
    int at = j + LANES <= pairs ? j : pairs - LANES;
    vec x, y;
    halves(load(from + 2 * at), load(from + 2 * at + LANES), &x, &y);
    store(first + at, relu ? positives(x) : x);
    store(second + at, relu ? positives(y) : y);
  }
  for (int j = pairs >= LANES ? 2 * pairs : 0; j < n; j++)
    (j & 1 ? second : first)[j / 2] = relu ? positive(from[j]) : from[j];
}

// column is the position of column x in the canvas, with step 2.
INLINE int column(const canvas *v, int x) { return (x & 1 ? v->half : 0) + x / 2; }

// stripe copies h rows of N whole vectors.
INLINE void stripe(const bool relu, const int N, float *restrict to, int ld,
                   const float *restrict from, int h) {
  for (int i = 0; i < h; i++, to += ld, from += N * LANES) {
#pragma GCC unroll 8
    for (int j = 0; j < N; j++) {
      vec x = load(from + j * LANES);
      store(to + j * LANES, relu ? positives(x) : x);
    }
  }
}

// whole copies src[h,w] if its rows are 1, 2 or 4 whole vectors of the canvas, and else returns
// false.
INLINE bool whole(const bool relu, float *restrict buf, const canvas *v, const float *restrict src,
                  int h, int w) {
  int top = v->top;
  if (v->step != 1 || top < 0 || top + w > v->ld - v->left || top + h > v->rows) return false;
  float *to = buf + (size_t)top * v->ld + v->left + top;
  if (w == LANES)
    stripe(relu, 1, to, v->ld, src, h);
  else if (w == 2 * LANES)
    stripe(relu, 2, to, v->ld, src, h);
  else if (w == 4 * LANES)
    stripe(relu, 4, to, v->ld, src, h);
  else
    return false;
  return true;
}

// paint copies src[h,w] so that pixel (i,j) goes to row top + i up, column top + j up of the
// canvas, where top may be negative. Anything outside is cut off. The border must already be zero.
INLINE void paint_as(const bool relu, float *restrict buf, const canvas *v,
                     const float *restrict src, int h, int w, int up) {
  if (up == 1 && whole(relu, buf, v, src, h, w)) return;
  int top = v->top, columns = v->step == 1 ? v->ld - v->left : 2 * v->half;
  int lo = top >= 0 ? 0 : (-top + up - 1) / up;
  int hi = columns > top ? (columns - top + up - 1) / up : 0;
  if (hi > w) hi = w;
  for (int i = lo; i < h && top + i * up < v->rows; i++) {
    float *restrict row = buf + (size_t)(top + i * up) * v->ld + v->left;
    const float *restrict from = src + (size_t)i * w;
    if (v->step == 1 && up == 1) {
      copy(relu, row + top + lo, from + lo, hi - lo);
    } else if (v->step == 1) {
      for (int j = lo; j < hi; j++) row[top + j * up] = from[j];
    } else {
      part(relu, row + column(v, top + lo), row + column(v, top + lo + 1), from + lo, hi - lo);
    }
  }
}

static void paint(float *buf, const canvas *v, const float *src, int h, int w, int up) {
  paint_as(false, buf, v, src, h, w, up);
}

static void paint_positive(float *buf, const canvas *v, const float *src, int h, int w) {
  paint_as(true, buf, v, src, h, w, 1);
}
