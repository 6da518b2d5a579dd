// The kernels of depthwise.h for vectors of LANES floats, written once. Each vectors_*.c sets
//   LANES    floats of a vector
//   ROWS     rows of outputs that are held in registers, by two vectors
//   KERNELS  name of the resulting table, NAME its text
//
// A plane is copied into a zero-bordered buffer that stays in the first cache. From there every
// output is a sum over the k*k taps of shifted loads without a bound check. A block of ROWS by one
// or two vectors of outputs stays in registers; a loaded vector is used for all rows that it meets,
// so that there are far fewer loads than products.

#include "canvas_template.h"

// outputs computes R rows by C vectors. With a kernel known at compile time every loop unrolls.
INLINE void outputs(const int k, const int d, const int s, const int R, const int C,
                    const float *buf, const canvas *v, const float *w, vec acc[ROWS][2]) {
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
    for (int c = 0; c < C; c++) acc[r][c] = (vec){0};
  }
  for (int b = 0; b < k; b++) {
    const float *col = buf + v->offset[b];
    const float *wb = w + b;
#pragma GCC unroll 32
    for (int row = 0; row <= s * (R - 1) + d * (k - 1); row++) {
#pragma GCC unroll 2
      for (int c = 0; c < C; c++) {
        vec x = load(col + (size_t)row * v->ld + c * LANES);
#pragma GCC unroll 8
        for (int a = 0; a < k; a++) {
          int t = row - a * d;
          if (t >= 0 && t % s == 0 && t / s < R) acc[t / s][c] += wb[a * k] * x;
        }
      }
    }
  }
}

// outputs_any is outputs for a kernel that is known only at run time.
INLINE void outputs_any(int k, int d, int s, const int R, const int C, const float *buf,
                        const canvas *v, const float *w, vec acc[ROWS][2]) {
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
    for (int c = 0; c < C; c++) acc[r][c] = (vec){0};
  }
  for (int a = 0; a < k; a++) {
    for (int b = 0; b < k; b++) {
      const float *at = buf + (size_t)a * d * v->ld + v->offset[b];
      float wab = w[a * k + b];
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
        for (int c = 0; c < C; c++)
          acc[r][c] += wab * load(at + (size_t)r * s * v->ld + c * LANES);
      }
    }
  }
}

// patch computes and stores R rows by C vectors, but no more than cols floats of a row.
INLINE void patch(bool fixed, const int k, const int d, const int s, const int R, const int C,
                  const float *buf, const canvas *v, const float *w, float *y, int ow, int cols) {
  vec acc[ROWS][2];  // R by C used; a variable size would stay in memory
  if (fixed)
    outputs(k, d, s, R, C, buf, v, w, acc);
  else
    outputs_any(k, d, s, R, C, buf, v, w, acc);
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    if (cols < LANES) {
      float row[LANES];
      store(row, acc[r][0]);
      memcpy(y + (size_t)r * ow, row, sizeof(float) * cols);
      continue;
    }
#pragma GCC unroll 2
    for (int c = 0; c < C; c++) store(y + (size_t)r * ow + c * LANES, acc[r][c]);
  }
}

// band computes R rows of outputs. The last vector of a row overlaps the one before.
INLINE void band(bool fixed, const int k, const int d, const int s, const int R, const float *buf,
                 const canvas *v, const float *w, float *y, int ow) {
  if (ow < LANES) {
    patch(fixed, k, d, s, R, 1, buf, v, w, y, ow, ow);
    return;
  }
  int j = 0;
  for (; j + 2 * LANES <= ow; j += 2 * LANES)
    patch(fixed, k, d, s, R, 2, buf + j, v, w, y + j, ow, LANES);
  for (; j < ow; j += LANES) {
    int at = j + LANES <= ow ? j : ow - LANES;
    patch(fixed, k, d, s, R, 1, buf + at, v, w, y + at, ow, LANES);
  }
}

// plane computes a whole plane. The last band overlaps the one before.
INLINE void plane(bool fixed, const int k, const int d, const int s, const float *buf,
                  const canvas *v, const float *w, float *y, int oh, int ow) {
  if (oh < ROWS) {
    for (int i = 0; i < oh; i++)
      band(fixed, k, d, s, 1, buf + (size_t)i * s * v->ld, v, w, y + (size_t)i * ow, ow);
    return;
  }
  for (int i = 0; i < oh; i += ROWS) {
    int at = i + ROWS <= oh ? i : oh - ROWS;
    band(fixed, k, d, s, ROWS, buf + (size_t)at * s * v->ld, v, w, y + (size_t)at * ow, ow);
  }
}

#define PLANE(k, d, s)                                                                          \
  static void plane_##k##_##d##_##s(const dw_shape *c, const float *buf, const canvas *v,       \
                                    const float *w, float *y, int oh, int ow) {                 \
    (void)c;                                                                                    \
    plane(true, k, d, s, buf, v, w, y, oh, ow);                                                 \
  }
PLANE(3, 1, 1)
PLANE(3, 2, 1)
PLANE(3, 1, 2)
PLANE(3, 2, 2)
PLANE(5, 1, 1)
PLANE(5, 2, 1)
PLANE(5, 1, 2)
PLANE(5, 2, 2)

static void plane_any(const dw_shape *c, const float *buf, const canvas *v, const float *w,
                      float *y, int oh, int ow) {
  plane(false, c->k, c->d, v->step, buf, v, w, y, oh, ow);
}

typedef void (*plane_fn)(const dw_shape *, const float *, const canvas *, const float *, float *,
                         int, int);

static plane_fn plane_of(int k, int d, int s) {
  static const plane_fn fixed[2][2][2] = {
      {{plane_3_1_1, plane_3_1_2}, {plane_3_2_1, plane_3_2_2}},
      {{plane_5_1_1, plane_5_1_2}, {plane_5_2_1, plane_5_2_2}}};
  if ((k != 3 && k != 5) || d > 2) return plane_any;
  return fixed[k / 2 - 1][d - 1][s - 1];
}

static size_t forward_scratch(const dw_shape *c) {
  canvas v = canvas_of(c, c->oh, c->ow, c->s, c->p);
  return 2 * canvas_size(&v);
}

// Planes alternate between two buffers, and a plane is painted before the one before it is read:
// a vector that two pending stores give together would have to wait for them.
static void forward(const dw_shape *c, const dw_planes *p, float *scratch) {
  canvas v = canvas_of(c, c->oh, c->ow, c->s, c->p);
  plane_fn run = plane_of(c->k, c->d, c->s);
  size_t size = canvas_size(&v);
  memset(scratch, 0, 2 * sizeof(float) * size);
  size_t channel = p->from % p->channels;  // of plane i - 1
  for (size_t i = p->from; i <= p->to; i++) {
    if (i < p->to) {
      const float *x = p->in + i * p->in_step;
      if (p->relu)
        paint_positive(scratch + i % 2 * size, &v, x, c->h, c->w);
      else
        paint(scratch + i % 2 * size, &v, x, c->h, c->w, 1);
    }
    if (i == p->from) continue;
    run(c, scratch + (i - 1) % 2 * size, &v, p->w + channel * c->k * c->k, p->out + (i - 1) * p->out_step, c->oh, c->ow);
    if (++channel == p->channels) channel = 0;
  }
}

// input_canvas is that of dY for computing dX.
static canvas input_canvas(const dw_shape *c) {
  return canvas_of(c, c->h, c->w, 1, c->d * (c->k - 1) - c->p);
}

static size_t input_scratch(const dw_shape *c) {
  canvas v = input_canvas(c);
  return canvas_size(&v);
}

// input is the forward kernel on dY, spread out by the stride, with the weights turned around.
static void input(const dw_shape *c, const dw_planes *p, float *scratch) {
  canvas v = input_canvas(c);
  plane_fn run = plane_of(c->k, c->d, 1);
  memset(scratch, 0, sizeof(float) * canvas_size(&v));
  int taps = c->k * c->k;
  size_t channel = p->from % p->channels;
  for (size_t i = p->from; i < p->to; i++) {
    float turned[dw_max_kernel * dw_max_kernel];
    const float *w = p->w + channel * taps;
    if (++channel == p->channels) channel = 0;
    for (int t = 0; t < taps; t++) turned[t] = w[taps - 1 - t];
    paint(scratch, &v, p->in + i * p->in_step, c->oh, c->ow, c->s);
    run(c, scratch, &v, turned, p->out + i * p->out_step, c->h, c->w);
  }
}

// taps adds the products of ROWS by one vectors of dY with X to sums, one vector per tap.
INLINE void taps(const int k, const int d, const int s, const float *buf, const canvas *v,
                 const vec dy[ROWS], vec *sums) {
  for (int b = 0; b < k; b++) {
    const float *col = buf + v->offset[b];
    vec acc[dw_max_kernel];
#pragma GCC unroll 8
    for (int a = 0; a < k; a++) acc[a] = (vec){0};
#pragma GCC unroll 32
    for (int row = 0; row <= s * (ROWS - 1) + d * (k - 1); row++) {
      vec x = load(col + (size_t)row * v->ld);
#pragma GCC unroll 8
      for (int a = 0; a < k; a++) {
        int t = row - a * d;
        if (t >= 0 && t % s == 0 && t / s < ROWS) acc[a] += dy[t / s] * x;
      }
    }
#pragma GCC unroll 8
    for (int a = 0; a < k; a++) sums[a * k + b] += acc[a];
  }
}

INLINE void taps_any(int k, int d, int s, const float *buf, const canvas *v, const vec dy[ROWS],
                     vec *sums) {
  for (int a = 0; a < k; a++) {
    for (int b = 0; b < k; b++) {
      const float *at = buf + (size_t)a * d * v->ld + v->offset[b];
      vec acc = {0};
#pragma GCC unroll 8
      for (int r = 0; r < ROWS; r++) acc += dy[r] * load(at + (size_t)r * s * v->ld);
      sums[a * k + b] += acc;
    }
  }
}

// correlate adds the contribution of one plane. dY has rows of ldy, a multiple of LANES, and a
// multiple of ROWS rows.
INLINE void correlate(bool fixed, const int k, const int d, const int s, const float *buf,
                      const canvas *v, const float *dy, int rows, int ldy, vec *sums) {
  for (int i = 0; i < rows; i += ROWS) {
    for (int j = 0; j < ldy; j += LANES) {
      vec block[ROWS];
#pragma GCC unroll 8
      for (int r = 0; r < ROWS; r++) block[r] = load(dy + (size_t)(i + r) * ldy + j);
      const float *at = buf + (size_t)i * s * v->ld + j;
      if (fixed)
        taps(k, d, s, at, v, block, sums);
      else
        taps_any(k, d, s, at, v, block, sums);
    }
  }
}

#define CORRELATE(k, d, s)                                                                      \
  static void correlate_##k##_##d##_##s(const dw_shape *c, const float *buf, const canvas *v,   \
                                        const float *dy, int rows, int ldy, vec *sums) {        \
    (void)c;                                                                                    \
    correlate(true, k, d, s, buf, v, dy, rows, ldy, sums);                                      \
  }
CORRELATE(3, 1, 1)
CORRELATE(3, 2, 1)
CORRELATE(3, 1, 2)
CORRELATE(3, 2, 2)
CORRELATE(5, 1, 1)
CORRELATE(5, 2, 1)
CORRELATE(5, 1, 2)
CORRELATE(5, 2, 2)

static void correlate_any(const dw_shape *c, const float *buf, const canvas *v, const float *dy,
                          int rows, int ldy, vec *sums) {
  correlate(false, c->k, c->d, c->s, buf, v, dy, rows, ldy, sums);
}

typedef void (*correlate_fn)(const dw_shape *, const float *, const canvas *, const float *, int,
                             int, vec *);

static correlate_fn correlate_of(int k, int d, int s) {
  static const correlate_fn fixed[2][2][2] = {
      {{correlate_3_1_1, correlate_3_1_2}, {correlate_3_2_1, correlate_3_2_2}},
      {{correlate_5_1_1, correlate_5_1_2}, {correlate_5_2_1, correlate_5_2_2}}};
  if ((k != 3 && k != 5) || d > 2) return correlate_any;
  return fixed[k / 2 - 1][d - 1][s - 1];
}

INLINE canvas weight_canvas(const dw_shape *c) {
  return canvas_of(c, round_up(c->oh, ROWS), round_up(c->ow, LANES), c->s, c->p);
}

INLINE size_t weight_rim(const dw_shape *c) {  // the copy of dY
  return (size_t)round_up(round_up(c->oh, ROWS) * round_up(c->ow, LANES), 16);
}

static size_t weight_scratch(const dw_shape *c) {
  canvas v = weight_canvas(c);
  return canvas_size(&v) + weight_rim(c);
}

static void weight(const dw_shape *c, const float *dy, size_t dy_step, const float *x,
                   size_t x_step, bool relu, size_t batch, float *dw, float *scratch) {
  canvas v = weight_canvas(c);
  int rows = round_up(c->oh, ROWS), ldy = round_up(c->ow, LANES), taps = c->k * c->k;
  bool extend = rows != c->oh || ldy != c->ow;
  float *rim = scratch + canvas_size(&v);
  correlate_fn run = correlate_of(c->k, c->d, c->s);
  vec sums[dw_max_kernel * dw_max_kernel];
  memset(scratch, 0, sizeof(float) * (canvas_size(&v) + weight_rim(c)));
  for (int t = 0; t < taps; t++) sums[t] = (vec){0};
  for (size_t n = 0; n < batch; n++) {
    const float *dyn = dy + n * dy_step;
    if (relu)
      paint_positive(scratch, &v, x + n * x_step, c->h, c->w);
    else
      paint(scratch, &v, x + n * x_step, c->h, c->w, 1);
    if (extend) {
      for (int r = 0; r < c->oh; r++)
        copy(false, rim + (size_t)r * ldy, dyn + (size_t)r * c->ow, c->ow);
      dyn = rim;
    }
    run(c, scratch, &v, dyn, rows, ldy, sums);
  }
  for (int t = 0; t < taps; t++) dw[t] = total(sums[t]);
}

// pulling is what pull_plane needs of a plane of X, whose rows have width floats: dY in a canvas,
// from the first float that a tap can meet; the weights; sums for their gradients, unless NULL.
typedef struct {
  const float *from;
  size_t ld;
  const float *w, *x, *add;
  float *dx;
  int height, width;
  vec *sums;
} pulling;

// meets says whether tap a of k meets rows (or columns) of X that are r more than a multiple of the
// stride s, when the image is padded to the size of X over s. Reaches is how many rows of dY it lies
// behind the first that a tap can meet.
#define MEETS(k, d, s, r, a) (((r) + (d) * ((k)-1) / 2 - (a) * (d)) % (s) == 0)
#define REACHES(k, d, s, r, a) \
  (((r) + (d) * ((k)-1) / 2 - (a) * (d)) / (s) + ((d) * ((k)-1) / 2 + (s)-1) / (s))

// meet_column adds to acc the products of the weights' column b with the block of dY that ROWS by C
// vectors of X meet: every s-th row from row r on. With dw, C is 1, and it adds the products of x
// with dY to the sums.
INLINE void meet_column(const int k, const int d, const int s, const int r, const int C,
                        const bool dw, const pulling p, const int b, const float *from,
                        const vec *x, vec acc[ROWS][2]) {
  vec part[dw_max_kernel];
#pragma GCC unroll 8
  for (int a = 0; a < k; a++) part[a] = (vec){0};
#pragma GCC unroll 32
  for (int row = 0; row < ROWS + d * (k - 1) / s + 1; row++) {
#pragma GCC unroll 8
    for (int a = 0; a < k; a++) {
      int t = row - REACHES(k, d, s, r, a);
      if (!MEETS(k, d, s, r, a) || t < 0 || t >= ROWS) continue;
#pragma GCC unroll 2
      for (int j = 0; j < C; j++) {
        vec y = load(from + (size_t)row * p.ld + j * LANES);
        acc[t][j] += p.w[a * k + b] * y;
        if (dw) part[a] += x[t] * y;
      }
    }
  }
  if (!dw) return;
#pragma GCC unroll 8
  for (int a = 0; a < k; a++) {
    if (MEETS(k, d, s, r, a)) p.sums[a * k + b] += part[a];
  }
}

// meet does so for the columns of weights that meet every s-th column from column c on.
INLINE void meet(const int k, const int d, const int s, const int r, const int c, const int C,
                 const bool dw, const pulling p, const float *from, const vec *x,
                 vec acc[ROWS][2]) {
  const int first = MEETS(k, d, s, c, 0) ? 0 : MEETS(k, d, s, c, 1) ? 1 : k;
  const int next = d % s == 0 ? 1 : s;
  if (k == 3) {
#pragma GCC unroll 3
    for (int b = first; b < k; b += next)
      meet_column(k, d, s, r, C, dw, p, b, from + REACHES(k, d, s, c, b), x, acc);
  } else {  // unrolled, it would take more registers than there are
    for (int b = first; b < k; b += next)
      meet_column(k, d, s, r, C, dw, p, b, from + REACHES(k, d, s, c, b), x, acc);
  }
}

// masked is dX where X is positive, plus add.
INLINE void masked(vec dx, const float *x, const float *add, float *to) {
  vec y = (vec)((ivec)dx & (ivec)(load(x) > 0));
  store(to, add == NULL ? y : y + load(add));
}

// blocks pulls dY back, ROWS by C vectors at a time.
INLINE void blocks(const int k, const int d, const int C, const bool dw, const pulling p) {
  for (int i = 0; i < p.height; i += ROWS) {
    for (int j = 0; j < p.width; j += C * LANES) {
      size_t at = (size_t)i * p.width + j;
      vec x[ROWS], acc[ROWS][2];
#pragma GCC unroll 8
      for (int r = 0; r < ROWS; r++) {
        if (dw) x[r] = positives(load(p.x + at + (size_t)r * p.width));
        acc[r][0] = acc[r][1] = (vec){0};
      }
      meet(k, d, 1, 0, 0, C, dw, p, p.from + (size_t)i * p.ld + j, x, acc);
      if (p.dx == NULL) continue;
#pragma GCC unroll 8
      for (int r = 0; r < ROWS; r++) {
#pragma GCC unroll 2
        for (int c = 0; c < C; c++) {
          size_t to = at + (size_t)r * p.width + c * LANES;
          masked(acc[r][c], p.x + to, p.add == NULL ? NULL : p.add + to, p.dx + to);
        }
      }
    }
  }
}

// row_pairs pulls dY back with stride 2 to ROWS rows of X, two apart, and two vectors, whose even
// and odd columns are computed apart.
INLINE void row_pairs(const int k, const int d, const int r, const bool dw, const pulling p, int i,
                      int j) {
  const float *from = p.from + (size_t)i * p.ld + j;
  size_t at = (size_t)(2 * i + r) * p.width + 2 * j, next = 2 * (size_t)p.width;
  vec x[2][ROWS], even[ROWS][2], odd[ROWS][2];
#pragma GCC unroll 8
  for (int t = 0; t < ROWS; t++) {
    if (dw) {
      const float *row = p.x + at + t * next;
      halves(positives(load(row)), positives(load(row + LANES)), &x[0][t], &x[1][t]);
    }
    even[t][0] = odd[t][0] = (vec){0};
  }
  meet(k, d, 2, r, 0, 1, dw, p, from, x[0], even);
  meet(k, d, 2, r, 1, 1, dw, p, from, x[1], odd);
  if (p.dx == NULL) return;
#pragma GCC unroll 8
  for (int t = 0; t < ROWS; t++) {
    vec y[2];
    zip(even[t][0], odd[t][0], &y[0], &y[1]);
#pragma GCC unroll 2
    for (int c = 0; c < 2; c++) {
      size_t to = at + t * next + c * LANES;
      masked(y[c], p.x + to, p.add == NULL ? NULL : p.add + to, p.dx + to);
    }
  }
}

// pull_plane pulls a plane of dY back to X and the weights: a vector of dY serves both.
INLINE void pull_plane(const int k, const int d, const int s, const bool dw, const pulling p) {
  if (s == 1 && (dw || p.width % (2 * LANES) != 0)) {
    blocks(k, d, 1, dw, p);
  } else if (s == 1) {
    blocks(k, d, 2, dw, p);
  } else {
    for (int i = 0; i < p.height / 2; i += ROWS) {
      for (int j = 0; j < p.width / 2; j += LANES) {
        row_pairs(k, d, 0, dw, p, i, j);
        row_pairs(k, d, 1, dw, p, i, j);
      }
    }
  }
}

// PULL has one copy of the loops for both gradients and one for dX alone.
#define PULL(k, d, s)                                       \
  static void pull_##k##_##d##_##s(const pulling *p) {      \
    if (p->sums == NULL)                                    \
      pull_plane(k, d, s, false, *p);                        \
    else                                                    \
      pull_plane(k, d, s, true, *p);                         \
  }
PULL(3, 1, 1)
PULL(3, 2, 1)
PULL(3, 1, 2)
PULL(3, 2, 2)
PULL(5, 1, 1)
PULL(5, 2, 1)
PULL(5, 1, 2)
PULL(5, 2, 2)

// pull_canvas is that of dY: before its first row lie as many as the first row of X needs.
static canvas pull_canvas(const dw_shape *c) {
  return canvas_of(c, c->h / c->s, c->w / c->s, 1, (c->p + c->s - 1) / c->s);
}

static size_t pull_scratch(const dw_shape *c) {
  if ((c->k != 3 && c->k != 5) || 2 * c->p != c->d * (c->k - 1) || c->h % (c->s * ROWS) != 0 ||
      c->w % (c->s * LANES) != 0)
    return 0;
  canvas v = pull_canvas(c);
  return 2 * canvas_size(&v);
}

static void pull(const dw_shape *c, const dw_pull *p, float *scratch) {
  static void (*const fixed[2][2][2])(const pulling *) = {
      {{pull_3_1_1, pull_3_1_2}, {pull_3_2_1, pull_3_2_2}},
      {{pull_5_1_1, pull_5_1_2}, {pull_5_2_1, pull_5_2_2}}};
  canvas v = pull_canvas(c);
  int taps = c->k * c->k;
  size_t size = canvas_size(&v), pixels = (size_t)c->h * c->w;
  // All images of a channel after each other: the next plane lies all channels further, or begins the next channel.
  size_t all = p->channels * p->images, plane = 0, channel = 0;
  vec sums[dw_max_kernel * dw_max_kernel];
  memset(scratch, 0, 2 * sizeof(float) * size);
  paint(scratch, &v, p->dy, c->oh, c->ow, 1);
  for (size_t i = 0; i < all; i++) {
    size_t next = plane + p->channels;
    bool last = next >= all;
    if (last) next = channel + 1;
    if (i + 1 < all) paint(scratch + (i + 1) % 2 * size, &v, p->dy + next * p->dy_step, c->oh, c->ow, 1);  // as in forward
    for (int t = 0; p->dw != NULL && plane == channel && t < taps; t++) sums[t] = (vec){0};
    pulling q = {.from = scratch + i % 2 * size + v.left, .ld = v.ld, .w = p->w + channel * taps,
                 .x = p->x + plane * pixels, .add = p->add == NULL ? NULL : p->add + plane * pixels,
                 .dx = p->dx == NULL ? NULL : p->dx + plane * pixels, .height = c->h, .width = c->w,
                 .sums = p->dw == NULL ? NULL : sums};
    fixed[c->k / 2 - 1][c->d - 1][c->s - 1](&q);
    for (int t = 0; p->dw != NULL && last && t < taps; t++) p->dw[channel * taps + t] = total(sums[t]);
    plane = next;
    channel += last;
  }
}

const dw_kernels KERNELS = {NAME,           forward_scratch, forward,      input_scratch, input,
                            weight_scratch, weight,          pull_scratch, pull};
