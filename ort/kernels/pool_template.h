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

// With stride 2 the columns of the bordered image are parted: those at even places form one plane, those at odd
// places another, so that neighbouring windows are neighbours in memory. dY has a border of one.
typedef struct {
  int rows, ld, size;     // of a plane of columns
  int outs, outld, outs_size;  // of dY
} parted;

INLINE parted parted_of(const dw_shape *s) {
  parted v = {.rows = s->h + 2 * s->p, .ld = s->w / 2 + s->p + 1,
              .outs = (s->h - 1 + s->p) / 2 + 2, .outld = (s->w - 1 + s->p) / 2 + 2};
  v.size = v.rows * v.ld;
  v.outs_size = round_up(v.outs * v.outld + 2 * LANES, 16);
  return v;
}

// part_columns copies x; the border has the value fill.
INLINE void part_columns(const dw_shape *s, const parted *v, float fill, const float *x, float *planes) {
  int odd = s->p & 1, top = s->p * v->ld;
  float *first = planes + odd * v->size + top + s->p / 2;
  float *second = planes + (1 - odd) * v->size + top + (s->p + 1) / 2;
  for (int i = 0; i < 2 * v->size + LANES; i++) planes[i] = fill;
  for (int i = 0; i < s->h; i++)
    part(false, first + i * v->ld, second + i * v->ld, x + (size_t)i * s->w, s->w);
}

// pixel is the place of pixel t of the window of output (o,q).
INLINE int pixel(const int k, const parted *v, int t, int o, int q) {
  return (t % k & 1) * v->size + (2 * o + t / k) * v->ld + q + t % k / 2;
}

INLINE void apart_forward(const int k, const bool max, const dw_shape *s, const float *x, float *y,
                          float *scratch) {
  parted v = parted_of(s);
  float *share = scratch, *planes = share + round_up(s->ow, LANES);
  if (!max) shares(s, share);
  part_columns(s, &v, max ? -INFINITY : 0, x, planes);
  for (int o = 0; o < s->oh; o++) {
    float row = max ? 1 : row_share(s, o);
    for (int q = 0; q < s->ow; q += LANES) {
      vec sum = load(planes + pixel(k, &v, 0, o, q));
      for (int t = 1; t < k * k; t++) {
        vec u = load(planes + pixel(k, &v, t, o, q));
        sum = max ? either(u > sum, u, sum) : sum + u;
      }
      put(y + (size_t)o * s->ow + q, max ? sum : sum * row * load(share + q), s->ow - q);
    }
  }
}

// collect sums up dY of the windows that reach the pixels of row i of the bordered image, whose parity is odd; of
// maxima those whose place it is.
INLINE void collect(const int k, const bool max, const int odd, const parted *v, int i, const float *d,
                    const float *tap, float *row) {
  for (int m = 0; m < v->outld - 1; m += LANES) {
    vec sum[2] = {{0}, {0}}, x, y;
    for (int t = 0; t < k * k; t++) {
      if ((t / k & 1) != odd) continue;
      int at = ((i - t / k) / 2 + 1) * v->outld + m + 1 - t % k / 2;
      vec u = load(d + at);
      sum[t % k & 1] += max ? (vec)((ivec)u & (ivec)(load(tap + at) == (float)t)) : u;
    }
    zip(sum[0], sum[1], &x, &y);
    store(row + 2 * m, x);
    store(row + 2 * m + LANES, y);
  }
}

// apart_backward gathers as dense_backward does.
INLINE void apart_backward(const int k, const bool max, const dw_shape *s, const float *x,
                           const float *dy, float *dx, float *scratch) {
  parted v = parted_of(s);
  float *share = scratch, *d = share + round_up(s->ow, LANES), *tap = d + v.outs_size;
  float *row = tap + v.outs_size, *planes = row + 2 * round_up(v.outld, LANES);
  for (int i = 0; i < (max ? 2 : 1) * v.outs_size; i++) d[i] = 0;
  if (max)
    part_columns(s, &v, -INFINITY, x, planes);
  else
    shares(s, share);
  for (int o = 0; o < s->oh; o++) {
    float part_of_row = max ? 1 : row_share(s, o);
    int to = (o + 1) * v.outld + 1;
    copy(false, d + to, dy + (size_t)o * s->ow, s->ow);
    for (int q = 0; q < s->ow; q += LANES) {
      if (!max) {
        put(d + to + q, load(d + to + q) * part_of_row * load(share + q), s->ow - q);
        continue;
      }
      vec best = load(planes + pixel(k, &v, 0, o, q)), place = (vec){0};
      for (int t = 1; t < k * k; t++) {
        vec u = load(planes + pixel(k, &v, t, o, q));
        ivec more = u > best;
        best = either(more, u, best);
        place = either(more, (vec){0} + (float)t, place);
      }
      put(tap + to + q, place, s->ow - q);
    }
  }
  for (int i = 0; i < s->h; i++) {
    if ((i + s->p) & 1)
      collect(k, max, 1, &v, i + s->p, d, tap, row);
    else
      collect(k, max, 0, &v, i + s->p, d, tap, row);
    for (int j = 0; j < s->w; j++) dx[(size_t)i * s->w + j] += row[j + s->p];
  }
}

static size_t pool_scratch(const dw_shape *s) {
  if (s->s > 1) {
    parted v = parted_of(s);
    return (size_t)round_up(s->ow, LANES) + 2 * (size_t)v.outs_size + 2 * (size_t)round_up(v.outld, LANES) +
           2 * (size_t)v.size + LANES;
  }
  int most = s->h > s->w ? s->h : s->w, side = most + 2 * s->k;
  return (size_t)round_up(s->ow, LANES) + 3 * (size_t)round_up(side * side + LANES, 16);
}

// FOR_WINDOW has one copy of the loops for windows of 3, with either stride.
#define FOR_WINDOW(way, max, ...)                    \
  do {                                               \
    if (s->s > 1 && s->k == 3)                       \
      apart_##way(3, max, __VA_ARGS__);              \
    else if (s->s > 1)                               \
      apart_##way(s->k, max, __VA_ARGS__);           \
    else if (s->k == 3)                              \
      dense_##way(3, max, __VA_ARGS__);              \
    else                                             \
      dense_##way(s->k, max, __VA_ARGS__);           \
  } while (0)

static void pool_forward(const dw_shape *s, bool max, const float *x, float *y, float *scratch) {
  if (max)
    FOR_WINDOW(forward, true, s, x, y, scratch);
  else
    FOR_WINDOW(forward, false, s, x, y, scratch);
}

static void pool_backward(const dw_shape *s, bool max, const float *x, const float *dy, float *dx,
                          float *scratch) {
  if (max)
    FOR_WINDOW(backward, true, s, x, dy, dx, scratch);
  else
    FOR_WINDOW(backward, false, s, x, dy, dx, scratch);
}

const pool_kernels POOL = {pool_scratch, pool_forward, pool_backward};
