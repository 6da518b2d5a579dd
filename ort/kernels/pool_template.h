// Square windows of 2 or 3 over single planes, for the vectors of the includer: plain loops that the
// compiler makes vectors of. The padding is not counted.

#include "pool.h"

// range is the part of the window at output o that lies inside n.
INLINE void range(const dw_shape *s, int o, int n, int *lo, int *hi) {
  int from = o * s->s - s->p, to = from + s->k;
  *lo = from < 0 ? 0 : from;
  *hi = to > n ? n : to;
}

// middle is the range of outputs of a row whose windows lie inside.
INLINE void middle(const dw_shape *s, int *left, int *right) {
  *left = (s->p + s->s - 1) / s->s;
  *right = s->w + s->p >= s->k ? (s->w + s->p - s->k) / s->s + 1 : 0;
  if (*right > s->ow) *right = s->ow;
}

static float top_of(const float *x, int w, int i0, int i1, int j0, int j1, int *at) {
  float best = x[i0 * w + j0];
  *at = i0 * w + j0;
  for (int i = i0; i < i1; i++) {
    for (int j = j0; j < j1; j++) {
      float v = x[i * w + j];
      if (v > best) {
        best = v;
        *at = i * w + j;
      }
    }
  }
  return best;
}

static float sum_of(const float *x, int w, int i0, int i1, int j0, int j1) {
  float sum = 0;
  for (int i = i0; i < i1; i++) {
    for (int j = j0; j < j1; j++) sum += x[i * w + j];
  }
  return sum;
}

// inside computes n neighbouring outputs whose windows lie inside.
INLINE void inside(const int k, const int st, const bool max, const float *restrict x, int w,
                   float *restrict y, int n) {
  const float whole = 1.0f / (float)(k * k);
  for (int j = 0; j < n; j++) {
    float v = x[j * st];
    for (int a = 0; a < k; a++) {
      for (int b = 0; b < k; b++) {
        if (a == 0 && b == 0) continue;
        float u = x[a * w + j * st + b];
        v = max ? (u > v ? u : v) : v + u;
      }
    }
    y[j] = max ? v : v * whole;
  }
}

static void inside_any(const dw_shape *s, bool max, const float *x, float *y, int n) {
  if (s->k == 3 && s->s == 1 && max) inside(3, 1, true, x, s->w, y, n);
  else if (s->k == 3 && s->s == 2 && max) inside(3, 2, true, x, s->w, y, n);
  else if (s->k == 3 && s->s == 1) inside(3, 1, false, x, s->w, y, n);
  else if (s->k == 3) inside(3, 2, false, x, s->w, y, n);
  else inside(s->k, s->s, max, x, s->w, y, n);
}

static void pool_forward(const dw_shape *s, bool max, const float *x, float *y) {
  int left, right;
  middle(s, &left, &right);
  for (int o = 0; o < s->oh; o++) {
    int i0, i1;
    range(s, o, s->h, &i0, &i1);
    bool full = i1 - i0 == s->k && right > left;
    if (full)
      inside_any(s, max, x + i0 * s->w + left * s->s - s->p, y + o * s->ow + left, right - left);
    for (int q = 0; q < s->ow; q++) {
      if (full && q >= left && q < right) {
        q = right - 1;
        continue;
      }
      int j0, j1, at;
      range(s, q, s->w, &j0, &j1);
      y[o * s->ow + q] = max ? top_of(x, s->w, i0, i1, j0, j1, &at)
                             : sum_of(x, s->w, i0, i1, j0, j1) / (float)((i1 - i0) * (j1 - j0));
    }
  }
}

enum { chunk = 128 };  // outputs of a row at a time

// places finds the tap of the maximum of windows that lie inside.
INLINE void places(const int k, const int st, const float *restrict x, int w, int *restrict tap,
                   int n) {
  float best[chunk];
  for (int j = 0; j < n; j++) {
    best[j] = x[j * st];
    tap[j] = 0;
  }
  for (int t = 1; t < k * k; t++) {
    const float *from = x + t / k * w + t % k;
    for (int j = 0; j < n; j++) {
      float v = from[j * st];
      tap[j] = v > best[j] ? t : tap[j];
      best[j] = v > best[j] ? v : best[j];
    }
  }
}

// spread adds dY of n windows that lie inside to dX; x and to belong to the first of them. Each tap
// takes its share in one pass over the row, so that every pass can be done in vectors.
INLINE void spread_as(const int k, const int st, const bool max, const float *restrict x, int w,
                      const float *restrict dy, float *restrict to, int n) {
  int tap[chunk];
  const float whole = 1.0f / (float)(k * k);
  if (max) places(k, st, x, w, tap, n);
  for (int t = 0; t < k * k; t++) {
    float *restrict row = to + t / k * w + t % k;
    for (int q = 0; q < n; q++) {
      float d = max ? (tap[q] == t ? dy[q] : 0) : dy[q] * whole;
      row[q * st] += d;
    }
  }
}

static void spread(const dw_shape *s, bool max, const float *x, const float *dy, float *dx, int n) {
  for (int from = 0; from < n; from += chunk) {
    int m = n - from < chunk ? n - from : chunk;
    const float *at = max ? x + from * s->s : NULL;
    float *to = dx + from * s->s;
    if (s->k == 3 && s->s == 1 && max) spread_as(3, 1, true, at, s->w, dy + from, to, m);
    else if (s->k == 3 && s->s == 1) spread_as(3, 1, false, at, s->w, dy + from, to, m);
    else spread_as(s->k, s->s, max, at, s->w, dy + from, to, m);
  }
}

// edge adds dY of one window that is cut off.
static void edge(const dw_shape *s, bool max, const float *x, float d, float *dx, int i0, int i1,
                 int o) {
  int j0, j1, at;
  range(s, o, s->w, &j0, &j1);
  if (max) {
    top_of(x, s->w, i0, i1, j0, j1, &at);
    dx[at] += d;
    return;
  }
  d /= (float)((i1 - i0) * (j1 - j0));
  for (int i = i0; i < i1; i++) {
    for (int c = j0; c < j1; c++) dx[i * s->w + c] += d;
  }
}

static void pool_backward(const dw_shape *s, bool max, const float *x, const float *dy, float *dx) {
  int left, right;
  middle(s, &left, &right);
  for (int o = 0; o < s->oh; o++) {
    int i0, i1, from = s->ow, to = s->ow;
    range(s, o, s->h, &i0, &i1);
    if (i1 - i0 == s->k && right > left) {
      size_t at = (size_t)i0 * s->w + left * s->s - s->p;
      spread(s, max, max ? x + at : NULL, dy + o * s->ow + left, dx + at, right - left);
      from = left;
      to = right;
    }
    for (int q = 0; q < from; q++) edge(s, max, x, dy[o * s->ow + q], dx, i0, i1, q);
    for (int q = to; q < s->ow; q++) edge(s, max, x, dy[o * s->ow + q], dx, i0, i1, q);
  }
}

const pool_kernels POOL = {pool_forward, pool_backward};
