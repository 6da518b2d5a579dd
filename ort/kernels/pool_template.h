// Square windows of 1 to 3 over single planes, for the vectors of the including file; see
// depthwise_template.h, which comes first. The padding is not counted.

#include "pool.h"

#include <math.h>

// range is the part of output o's window that lies inside n.
INLINE void range(const dw_shape *s, int o, int n, int *lo, int *hi) {
  int from = o * s->s - s->p, to = from + s->k;
  *lo = from < 0 ? 0 : from;
  *hi = to > n ? n : to;
}

// middle is the range of outputs in a row whose windows lie inside.
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
    for (int t = 1; t < k * k; t++) {
      float u = x[t / k * w + t % k + j * st];
      v = max ? (u > v ? u : v) : v + u;
    }
    y[j] = max ? v : v * whole;
  }
}

static void inside_any(const dw_shape *s, bool max, const float *x, float *y, int n) {
  if (s->k == 3 && max) inside(3, 2, true, x, s->w, y, n);
  else if (s->k == 3) inside(3, 2, false, x, s->w, y, n);
  else inside(s->k, 2, max, x, s->w, y, n);
}

// apart_forward is for stride 2: it computes rows of inside windows, and single windows at the
// border.
static void apart_forward(const dw_shape *s, bool max, const float *x, float *y) {
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

// spread adds dY of n inside windows to dX; x and to point to the first window.
INLINE void spread(const int k, const bool max, const float *restrict x, int w,
                   const float *restrict dy, float *restrict to, int n) {
  int tap[chunk];
  float best[chunk];
  const float whole = 1.0f / (float)(k * k);
  for (int j = 0; max && j < n; j++) {
    best[j] = x[2 * j];
    tap[j] = 0;
  }
  for (int t = max ? 1 : 0; t < k * k; t++) {
    int at = t / k * w + t % k;
    for (int j = 0; j < n; j++) {
      if (!max) {
        to[at + 2 * j] += dy[j] * whole;
        continue;
      }
      float v = x[at + 2 * j];
      tap[j] = v > best[j] ? at : tap[j];
      best[j] = v > best[j] ? v : best[j];
    }
  }
  for (int j = 0; max && j < n; j++) to[tap[j] + 2 * j] += dy[j];
}

static void spread_any(const dw_shape *s, bool max, const float *x, const float *dy, float *to,
                       int n) {
  for (int from = 0; from < n; from += chunk) {
    int m = n - from < chunk ? n - from : chunk;
    const float *at = max ? x + 2 * from : NULL;
    if (s->k == 3 && max) spread(3, true, at, s->w, dy + from, to + 2 * from, m);
    else if (s->k == 3) spread(3, false, at, s->w, dy + from, to + 2 * from, m);
    else spread(s->k, max, at, s->w, dy + from, to + 2 * from, m);
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

static void apart_backward(const dw_shape *s, bool max, const float *x, const float *dy,
                           float *dx) {
  int left, right;
  middle(s, &left, &right);
  for (int o = 0; o < s->oh; o++) {
    int i0, i1, from = s->ow, to = s->ow;
    range(s, o, s->h, &i0, &i1);
    if (i1 - i0 == s->k && right > left) {
      size_t at = (size_t)i0 * s->w + left * s->s - s->p;
      spread_any(s, max, max ? x + at : NULL, dy + o * s->ow + left, dx + at, right - left);
      from = left;
      to = right;
    }
    for (int q = 0; q < from; q++) edge(s, max, x, dy[o * s->ow + q], dx, i0, i1, q);
    for (int q = to; q < s->ow; q++) edge(s, max, x, dy[o * s->ow + q], dx, i0, i1, q);
  }
}

// With stride 1 planes are copied into zero- or minus-infinity-bordered buffers (see
// depthwise_template.h), so that no window is cut off.

// bordered copies x[h,w] into rows of ld floats. It fills border rows and columns before x, and the
// rest of rows*ld + LANES floats.
INLINE void bordered(float *restrict buf, int rows, int ld, float fill, const float *restrict x,
                     int h, int w, int border) {
  for (int i = 0; i < rows * ld + LANES; i++) buf[i] = fill;
  for (int i = 0; i < h; i++)
    copy(false, buf + (size_t)(i + border) * ld + border, x + (size_t)i * w, w);
}

// put stores n floats, at most LANES.
INLINE void put(float *y, vec v, int n) {
  if (n >= LANES) {
    store(y, v);
    return;
  }
  float lanes[LANES];
  store(lanes, v);
  for (int l = 0; l < n; l++) y[l] = lanes[l];
}

INLINE vec either(ivec mask, vec a, vec b) { return (vec)(((ivec)a & mask) | ((ivec)b & ~mask)); }

// shares is one over the number of pixels in each column of windows, followed by ones.
static void shares(const dw_shape *s, float *share) {
  for (int q = 0; q < round_up(s->ow, LANES); q++) {
    int lo = 0, hi = 1;
    if (q < s->ow) range(s, q, s->w, &lo, &hi);
    share[q] = 1.0f / (float)(hi - lo);
  }
}

INLINE float row_share(const dw_shape *s, int o) {
  int lo, hi;
  range(s, o, s->h, &lo, &hi);
  return 1.0f / (float)(hi - lo);
}

INLINE void dense_forward(const int k, const bool max, const dw_shape *s, const float *x, float *y,
                          float *scratch) {
  int rows = s->h + 2 * s->p, ld = s->w + 2 * s->p;
  float *share = scratch, *buf = share + round_up(s->ow, LANES);
  if (!max) shares(s, share);
  bordered(buf, rows, ld, max ? -INFINITY : 0, x, s->h, s->w, s->p);
  for (int o = 0; o < s->oh; o++) {
    float row = max ? 1 : row_share(s, o);
    for (int q = 0; q < s->ow; q += LANES) {
      const float *at = buf + (size_t)o * ld + q;
      vec v = load(at);
      for (int t = 1; t < k * k; t++) {
        vec u = load(at + t / k * ld + t % k);
        v = max ? either(u > v, u, v) : v + u;
      }
      put(y + (size_t)o * s->ow + q, max ? v : v * row * load(share + q), s->ow - q);
    }
  }
}

// dense_backward makes a bordered buffer of dY (of its shares, for a mean), and for a maximum also
// a buffer of the places of the maxima. It then gathers: a pixel gets dY of each window whose
// maximum it is.
INLINE void dense_backward(const int k, const bool max, const dw_shape *s, const float *x,
                           const float *dy, float *dx, float *scratch) {
  int border = k - 1 - s->p, rows = s->h + k - 1, ld = s->w + k - 1;
  int xrows = s->h + 2 * s->p, xld = s->w + 2 * s->p, size = round_up(rows * ld + LANES, 16);
  float *share = scratch, *d = share + round_up(s->ow, LANES), *tap = d + size, *buf = tap + size;
  bordered(d, rows, ld, 0, dy, s->oh, s->ow, border);
  if (max) bordered(buf, xrows, xld, -INFINITY, x, s->h, s->w, s->p);
  if (max)
    for (int i = 0; i < size; i++) tap[i] = 0;
  else
    shares(s, share);
  for (int o = 0; o < s->oh; o++) {
    float row = max ? 1 : row_share(s, o);
    for (int q = 0; q < s->ow; q += LANES) {
      size_t to = (size_t)(o + border) * ld + border + q;
      if (!max) {
        put(d + to, load(d + to) * row * load(share + q), s->ow - q);
        continue;
      }
      const float *at = buf + (size_t)o * xld + q;
      vec best = load(at), place = (vec){0};
      for (int t = 1; t < k * k; t++) {
        vec u = load(at + t / k * xld + t % k);
        ivec more = u > best;
        best = either(more, u, best);
        place = either(more, (vec){0} + (float)t, place);
      }
      put(tap + to, place, s->ow - q);
    }
  }
  for (int i = 0; i < s->h; i++) {
    for (int j = 0; j < s->w; j += LANES) {
      vec sum = {0};
      for (int t = 0; t < k * k; t++) {
        size_t at = (size_t)(i + k - 1 - t / k) * ld + j + k - 1 - t % k;
        vec v = load(d + at);
        sum += max ? (vec)((ivec)v & (ivec)(load(tap + at) == (float)t)) : v;
      }
      float *to = dx + (size_t)i * s->w + j;
      if (s->w - j >= LANES) {
        store(to, load(to) + sum);
        continue;
      }
      float lanes[LANES];
      store(lanes, sum);
      for (int l = 0; l < s->w - j; l++) to[l] += lanes[l];
    }
  }
}

static size_t pool_scratch(const dw_shape *s) {
  int most = s->h > s->w ? s->h : s->w, side = most + 2 * s->k;
  return (size_t)round_up(s->ow, LANES) + 3 * (size_t)round_up(side * side + LANES, 16);
}

static void pool_forward(const dw_shape *s, bool max, const float *x, float *y, float *scratch) {
  if (s->s > 1) apart_forward(s, max, x, y);
  else if (s->k == 3 && max) dense_forward(3, true, s, x, y, scratch);
  else if (s->k == 3) dense_forward(3, false, s, x, y, scratch);
  else dense_forward(s->k, max, s, x, y, scratch);
}

static void pool_backward(const dw_shape *s, bool max, const float *x, const float *dy, float *dx,
                          float *scratch) {
  if (s->s > 1) apart_backward(s, max, x, dy, dx);
  else if (s->k == 3 && max) dense_backward(3, true, s, x, dy, dx, scratch);
  else if (s->k == 3) dense_backward(3, false, s, x, dy, dx, scratch);
  else dense_backward(s->k, max, s, x, dy, dx, scratch);
}

const pool_kernels POOL = {pool_scratch, pool_forward, pool_backward};
