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

// Planes are copied into buffers with a border of zeros or minus infinity, so that no window is cut off. With stride 2
// the columns of X are parted: those at even places form one plane, those at odd places another, so that
// neighbouring windows are neighbours in memory.

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

// frame is the geometry of the buffers, for a stride of 1 or 2.
typedef struct {
  int rows, ld, size;                     // of X, or of one of its two planes
  int border, out_rows, out_ld, out_size; // of dY, and of the places of the maxima
} frame;

INLINE frame frame_of(const int step, const dw_shape *s) {
  frame f = {.rows = s->h + 2 * s->p, .ld = s->w + 2 * s->p, .border = s->k - 1 - s->p,
             .out_rows = s->h + s->k - 1, .out_ld = s->w + s->k - 1};
  if (step == 2) {
    f.ld = s->w / 2 + s->p + 1;
    f.border = 1;
    f.out_rows = (s->h - 1 + s->p) / 2 + 2;
    f.out_ld = (s->w - 1 + s->p) / 2 + 2;
  }
  f.size = f.rows * f.ld;
  f.out_size = round_up(f.out_rows * f.out_ld + 2 * LANES, 16);
  return f;
}

// frame_image copies x; the border has the value fill.
INLINE void frame_image(const int step, const dw_shape *s, const frame *f, float fill, const float *x,
                        float *buf) {
  if (step == 1) {
    bordered(buf, f->rows, f->ld, fill, x, s->h, s->w, s->p);
    return;
  }
  int odd = s->p & 1, top = s->p * f->ld;
  float *first = buf + odd * f->size + top + s->p / 2;
  float *second = buf + (1 - odd) * f->size + top + (s->p + 1) / 2;
  for (int i = 0; i < 2 * f->size + LANES; i++) buf[i] = fill;
  for (int i = 0; i < s->h; i++)
    part(false, first + i * f->ld, second + i * f->ld, x + (size_t)i * s->w, s->w);
}

// pixel is the place of pixel t of the window of output (o,q).
INLINE int pixel(const int step, const int k, const frame *f, int t, int o, int q) {
  int row = (step * o + t / k) * f->ld + q;
  return step == 1 ? row + t % k : row + (t % k & 1) * f->size + t % k / 2;
}

INLINE void windows_forward(const int step, const int k, const bool max, const dw_shape *s, const float *x,
                            float *y, float *scratch) {
  frame f = frame_of(step, s);
  float *share = scratch, *buf = share + round_up(s->ow, LANES);
  if (!max) shares(s, share);
  frame_image(step, s, &f, max ? -INFINITY : 0, x, buf);
  for (int o = 0; o < s->oh; o++) {
    float row = max ? 1 : row_share(s, o);
    for (int q = 0; q < s->ow; q += LANES) {
      vec v = load(buf + pixel(step, k, &f, 0, o, q));
      for (int t = 1; t < k * k; t++) {
        vec u = load(buf + pixel(step, k, &f, t, o, q));
        v = max ? either(u > v, u, v) : v + u;
      }
      put(y + (size_t)o * s->ow + q, max ? v : v * row * load(share + q), s->ow - q);
    }
  }
}

// taken is dY at a place if it is that of a maximum at pixel t of its window; of a mean it is dY.
INLINE vec taken(const bool max, const float *d, const float *tap, size_t at, int t) {
  vec u = load(d + at);
  return max ? (vec)((ivec)u & (ivec)(load(tap + at) == (float)t)) : u;
}

// gather adds to row i of dX, with stride 1, dY of the windows that reach it.
INLINE void gather(const int k, const bool max, const dw_shape *s, const frame *f, int i, const float *d,
                   const float *tap, float *to) {
  for (int j = 0; j < s->w; j += LANES) {
    vec sum = {0};
    for (int t = 0; t < k * k; t++)
      sum += taken(max, d, tap, (size_t)(i + k - 1 - t / k) * f->out_ld + j + k - 1 - t % k, t);
    if (s->w - j >= LANES) {
      store(to + j, load(to + j) + sum);
      continue;
    }
    float lanes[LANES];
    store(lanes, sum);
    for (int l = 0; l < s->w - j; l++) to[j + l] += lanes[l];
  }
}

// gather_apart does so with stride 2; odd is the parity of the row in the bordered image.
INLINE void gather_apart(const int k, const bool max, const int odd, const dw_shape *s, const frame *f, int i,
                         const float *d, const float *tap, float *row, float *to) {
  for (int m = 0; m < f->out_ld - 1; m += LANES) {
    vec sum[2] = {{0}, {0}}, x, y;
    for (int t = 0; t < k * k; t++) {
      if ((t / k & 1) == odd)
        sum[t % k & 1] += taken(max, d, tap, ((i + s->p - t / k) / 2 + 1) * f->out_ld + m + 1 - t % k / 2, t);
    }
    zip(sum[0], sum[1], &x, &y);
    store(row + 2 * m, x);
    store(row + 2 * m + LANES, y);
  }
  for (int j = 0; j < s->w; j++) to[j] += row[j + s->p];
}

// windows_backward makes a bordered buffer of dY (of its shares, for a mean), and for a maximum also
// a buffer of the places of the maxima. It then gathers: a pixel gets dY of each window whose
// maximum it is.
INLINE void windows_backward(const int step, const int k, const bool max, const dw_shape *s, const float *x,
                             const float *dy, float *dx, float *scratch) {
  frame f = frame_of(step, s);
  float *share = scratch, *d = share + round_up(s->ow, LANES), *tap = d + f.out_size;
  float *rows = tap + f.out_size, *buf = rows + 2 * round_up(f.out_ld, LANES);
  bordered(d, f.out_rows, f.out_ld, 0, dy, s->oh, s->ow, f.border);
  if (max) frame_image(step, s, &f, -INFINITY, x, buf);
  if (max)
    for (int i = 0; i < f.out_size; i++) tap[i] = 0;
  else
    shares(s, share);
  for (int o = 0; o < s->oh; o++) {
    float row = max ? 1 : row_share(s, o);
    for (int q = 0; q < s->ow; q += LANES) {
      size_t to = (size_t)(o + f.border) * f.out_ld + f.border + q;
      if (!max) {
        put(d + to, load(d + to) * row * load(share + q), s->ow - q);
        continue;
      }
      vec best = load(buf + pixel(step, k, &f, 0, o, q)), place = (vec){0};
      for (int t = 1; t < k * k; t++) {
        vec u = load(buf + pixel(step, k, &f, t, o, q));
        ivec more = u > best;
        best = either(more, u, best);
        place = either(more, (vec){0} + (float)t, place);
      }
      put(tap + to, place, s->ow - q);
    }
  }
  for (int i = 0; i < s->h; i++) {
    float *to = dx + (size_t)i * s->w;
    if (step == 1)
      gather(k, max, s, &f, i, d, tap, to);
    else if ((i + s->p) & 1)
      gather_apart(k, max, 1, s, &f, i, d, tap, rows, to);
    else
      gather_apart(k, max, 0, s, &f, i, d, tap, rows, to);
  }
}

static size_t pool_scratch(const dw_shape *s) {
  frame f = frame_of(s->s, s);
  return (size_t)round_up(s->ow, LANES) + 2 * (size_t)f.out_size + 2 * (size_t)round_up(f.out_ld, LANES) +
         (size_t)s->s * f.size + 2 * LANES;
}

// FOR_WINDOW has one copy of the loops for windows of 3, with either stride.
#define FOR_WINDOW(way, max, ...)                    \
  do {                                               \
    if (s->s > 1 && s->k == 3)                       \
      windows_##way(2, 3, max, __VA_ARGS__);         \
    else if (s->s > 1)                               \
      windows_##way(2, s->k, max, __VA_ARGS__);      \
    else if (s->k == 3)                              \
      windows_##way(1, 3, max, __VA_ARGS__);         \
    else                                             \
      windows_##way(1, s->k, max, __VA_ARGS__);      \
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
