// The operators MaxPool, MaxPoolGrad, AveragePool and AveragePoolGrad of the domain: square
// windows of 2 or 3, the padding not counted. Every task is one plane.
#include "window.h"

// job is one application to planes of X (h by w) and Y (oh by ow).
typedef struct {
  dw_shape s;
  const float *x, *dy;
  float *y, *dx;
  bool max;
} job;

// range is the part of the window at output o that lies inside n.
static void range(const dw_shape *s, int o, int n, int *lo, int *hi) {
  int from = o * s->s - s->p, to = from + s->k;
  *lo = from < 0 ? 0 : from;
  *hi = to > n ? n : to;
}

// middle is the range of outputs of a row whose windows lie inside.
static void middle(const dw_shape *s, int *left, int *right) {
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
static inline __attribute__((always_inline)) void inside(const int k, const int st, const bool max,
                                                         const float *restrict x, int w,
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

static void forward(void *argument, size_t plane) {
  const job *j = argument;
  const dw_shape *s = &j->s;
  const float *x = j->x + plane * s->h * s->w;
  float *y = j->y + plane * s->oh * s->ow;
  int left, right;
  middle(s, &left, &right);
  for (int o = 0; o < s->oh; o++) {
    int i0, i1;
    range(s, o, s->h, &i0, &i1);
    bool full = i1 - i0 == s->k && right > left;
    if (full)
      inside_any(s, j->max, x + i0 * s->w + left * s->s - s->p, y + o * s->ow + left, right - left);
    for (int q = 0; q < s->ow; q++) {
      if (full && q >= left && q < right) {
        q = right - 1;
        continue;
      }
      int j0, j1, at;
      range(s, q, s->w, &j0, &j1);
      y[o * s->ow + q] = j->max ? top_of(x, s->w, i0, i1, j0, j1, &at)
                                : sum_of(x, s->w, i0, i1, j0, j1) / (float)((i1 - i0) * (j1 - j0));
    }
  }
}

enum { chunk = 128 };  // outputs of a row at a time

// places finds the tap of the maximum of windows that lie inside.
static inline __attribute__((always_inline)) void places(const int k, const int st,
                                                         const float *restrict x, int w,
                                                         int *restrict tap, int n) {
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

// spread adds dY of windows that lie inside.
static void spread(const job *j, const float *x, const float *dy, float *dx, int n) {
  const dw_shape *s = &j->s;
  int tap[chunk];
  for (int from = 0; from < n; from += chunk) {
    int m = n - from < chunk ? n - from : chunk;
    float *to = dx + from * s->s;
    if (j->max) {
      const float *at = x + from * s->s;
      if (s->k == 3 && s->s == 1) places(3, 1, at, s->w, tap, m);
      else if (s->k == 3) places(3, 2, at, s->w, tap, m);
      else places(s->k, s->s, at, s->w, tap, m);
      int offset[dw_max_kernel * dw_max_kernel];
      for (int t = 0; t < s->k * s->k; t++) offset[t] = t / s->k * s->w + t % s->k;
      for (int q = 0; q < m; q++) to[q * s->s + offset[tap[q]]] += dy[from + q];
      continue;
    }
    const float whole = 1.0f / (float)(s->k * s->k);
    for (int a = 0; a < s->k; a++) {
      for (int b = 0; b < s->k; b++) {
        float *restrict row = to + a * s->w + b;
        const float *restrict d = dy + from;
        if (s->s == 1) {
          for (int q = 0; q < m; q++) row[q] += d[q] * whole;
        } else {
          for (int q = 0; q < m; q++) row[q * s->s] += d[q] * whole;
        }
      }
    }
  }
}

// edge adds dY of one window that is cut off.
static void edge(const job *j, const float *x, float d, float *dx, int i0, int i1, int o) {
  const dw_shape *s = &j->s;
  int j0, j1, at;
  range(s, o, s->w, &j0, &j1);
  if (j->max) {
    top_of(x, s->w, i0, i1, j0, j1, &at);
    dx[at] += d;
    return;
  }
  d /= (float)((i1 - i0) * (j1 - j0));
  for (int i = i0; i < i1; i++) {
    for (int c = j0; c < j1; c++) dx[i * s->w + c] += d;
  }
}

// backward computes a plane of dX. Of equal maxima the first in scan order gets dY, as in ONNX
// Runtime.
static void backward(void *argument, size_t plane) {
  const job *j = argument;
  const dw_shape *s = &j->s;
  const float *dy = j->dy + plane * s->oh * s->ow;
  const float *x = j->max ? j->x + plane * s->h * s->w : NULL;
  float *dx = j->dx + plane * s->h * s->w;
  int left, right;
  middle(s, &left, &right);
  for (int i = 0; i < s->h * s->w; i++) dx[i] = 0;
  for (int o = 0; o < s->oh; o++) {
    int i0, i1, from = s->ow, to = s->ow;
    range(s, o, s->h, &i0, &i1);
    if (i1 - i0 == s->k && right > left) {
      size_t at = (size_t)i0 * s->w + left * s->s - s->p;
      spread(j, j->max ? x + at : NULL, dy + o * s->ow + left, dx + at, right - left);
      from = left;
      to = right;
    }
    for (int q = 0; q < from; q++) edge(j, x, dy[o * s->ow + q], dx, i0, i1, q);
    for (int q = to; q < s->ow; q++) edge(j, x, dy[o * s->ow + q], dx, i0, i1, q);
  }
}

// shape_of checks the window for the pool's own bounds.
static ort_status shape_of(const op_kernel *k, int64_t h, int64_t w, dw_shape *s) {
  TRY(window_shape(k, h, w, s));
  if (s->k > 3 || s->d != 1 || s->p >= s->k)
    return op_fail(k, "pool: window %d must be at most 3, pad %d less, dilation %d 1", s->k, s->p,
                   s->d);
  return NULL;
}

static ort_status pool(void *kernel, void *context, bool max) {
  const op_kernel *k = kernel;
  job j = {.max = max};
  tensor x;
  TRY(op_input(k, context, 0, &x));
  if (x.rank != 4) return op_fail(k, "pool: X has rank %zu", x.rank);
  TRY(shape_of(k, x.dims[2], x.dims[3], &j.s));
  j.x = x.data;
  int64_t dims[4] = {x.dims[0], x.dims[1], j.s.oh, j.s.ow};
  TRY(op_output(k, context, 0, 4, dims, &j.y));
  return op_parallel(k, context, x.dims[0] * x.dims[1], forward, &j);
}

enum { a_height = w_end, a_width };

static ort_status gradient(void *kernel, void *context, bool max) {
  const op_kernel *k = kernel;
  job j = {.max = max};
  tensor dy, x;
  TRY(op_input(k, context, 0, &dy));
  if (dy.rank != 4) return op_fail(k, "pool: dY has rank %zu", dy.rank);
  int64_t dims[4] = {dy.dims[0], dy.dims[1], 0, 0};
  if (max) {
    TRY(op_input(k, context, 1, &x));
    if (x.rank != 4) return op_fail(k, "pool: X has rank %zu", x.rank);
    dims[2] = x.dims[2];
    dims[3] = x.dims[3];
    j.x = x.data;
  } else {
    dims[2] = k->attr[a_height];
    dims[3] = k->attr[a_width];
  }
  TRY(shape_of(k, dims[2], dims[3], &j.s));
  if (dy.dims[2] != j.s.oh || dy.dims[3] != j.s.ow ||
      (max && (x.dims[0] != dims[0] || x.dims[1] != dims[1])))
    return op_fail(k, "pool: dY does not fit X of %dx%d", j.s.h, j.s.w);
  j.dy = dy.data;
  TRY(op_output(k, context, 0, 4, dims, &j.dx));
  return op_parallel(k, context, dims[0] * dims[1], backward, &j);
}

static ort_status max_pool(void *k, void *c) { return pool(k, c, true); }
static ort_status average_pool(void *k, void *c) { return pool(k, c, false); }
static ort_status max_gradient(void *k, void *c) { return gradient(k, c, true); }
static ort_status average_gradient(void *k, void *c) { return gradient(k, c, false); }

static const char *const window[] = {"kernel", "stride", "pad", "dilation", NULL};
static const char *const sized[] = {"kernel", "stride", "pad", "dilation", "height", "width", NULL};

const op_def zos_max_pool = {.op = OP_COMMON(NULL, max_pool), .name = "MaxPool",
    .inputs = 1, .required_inputs = 1, .outputs = 1, .required_outputs = 1, .attributes = window};
const op_def zos_max_pool_grad = {.op = OP_COMMON(NULL, max_gradient), .name = "MaxPoolGrad",
    .inputs = 2, .required_inputs = 2, .outputs = 1, .required_outputs = 1, .attributes = window};
const op_def zos_average_pool = {.op = OP_COMMON(NULL, average_pool), .name = "AveragePool",
    .inputs = 1, .required_inputs = 1, .outputs = 1, .required_outputs = 1, .attributes = window};
const op_def zos_average_pool_grad = {.op = OP_COMMON(NULL, average_gradient),
    .name = "AveragePoolGrad", .inputs = 1, .required_inputs = 1, .outputs = 1,
    .required_outputs = 1, .attributes = sized};
