// Runs every operator of the domain on many shapes with a mock OrtApi. Every tensor has a block of
// memory of its own, so that a sanitizer sees each access out of bounds. Prints one line per run:
// the operator, the shape and the sum of the magnitudes of each output.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "window.h"

typedef struct {
  float *data;
  size_t rank;
  int64_t dims[4];
} value;

typedef struct {
  const value *in[10];
  value out[8];
  bool wanted[8];
  const op_def *op;
  int attr[op_max_attributes];
} call;

static size_t elements(const value *v) {
  size_t n = 1;
  for (size_t i = 0; i < v->rank; i++) n *= (size_t)v->dims[i];
  return n;
}

static void *get_input(call *c, size_t i, const value **v) { return *v = c->in[i], NULL; }
static void *get_info(const value *v, const value **info) { return *info = v, NULL; }
static void *get_rank(const value *v, size_t *n) { return *n = v->rank, NULL; }
static void *get_count(const value *v, size_t *n) { return *n = elements(v), NULL; }
static void *get_data(const value *v, float **data) { return *data = v->data, NULL; }
static void release(void *info) { (void)info; }
static void *get_dims(const value *v, int64_t *dims, size_t n) {
  memcpy(dims, v->dims, n * sizeof *dims);
  return NULL;
}
static void *get_output(call *c, size_t i, const int64_t *dims, size_t rank, value **v) {
  *v = NULL;
  if (!c->wanted[i]) return NULL;
  value *o = *v = &c->out[i];
  o->rank = rank;
  memcpy(o->dims, dims, rank * sizeof *dims);
  o->data = malloc(elements(o) * sizeof(float));
  for (size_t j = 0; j < elements(o); j++) o->data[j] = NAN;  // exposes anything left out
  return NULL;
}
static void *parallel(void *c, void (*f)(void *, size_t), size_t n, size_t batch, void *argument) {
  (void)c, (void)batch;
  for (size_t i = n; i-- > 0;) f(argument, i);  // backwards: the order must not matter
  return NULL;
}
static void *get_int(const call *c, const char *name, int64_t *x) {
  for (int i = 0; c->op->attributes[i] != NULL; i++) {
    if (strcmp(name, c->op->attributes[i]) == 0) *x = c->attr[i];
  }
  return NULL;
}
static void *get_float(const call *c, const char *name, float *x) {
  return (void)c, (void)name, *x = 1e-5f, NULL;
}
static void *create_status(int code, const char *text) {
  printf("error %d: %s\n", code, text);
  exit(1);
}

static const void *table[424] = {
    [api_CreateStatus] = create_status, [api_GetTensorMutableData] = get_data,
    [api_GetDimensionsCount] = get_rank, [api_GetDimensions] = get_dims,
    [api_GetTensorShapeElementCount] = get_count, [api_GetTensorTypeAndShape] = get_info,
    [api_KernelInfoGetAttribute_float] = get_float, [api_KernelInfoGetAttribute_int64] = get_int,
    [api_KernelContext_GetInput] = get_input, [api_KernelContext_GetOutput] = get_output,
    [api_ReleaseTensorTypeAndShapeInfo] = release, [api_KernelContext_ParallelFor] = parallel,
};

static unsigned seed;

// tensor_of makes a tensor of numbers from -1 to 1 that depend only on the place.
static value *tensor_of(size_t rank, int64_t a, int64_t b, int64_t c, int64_t d) {
  value *v = calloc(1, sizeof *v);
  *v = (value){.rank = rank, .dims = {a, b, c, d}};
  v->data = malloc(elements(v) * sizeof(float));
  for (size_t i = 0; i < elements(v); i++) {
    seed = seed * 1664525 + 1013904223;
    v->data[i] = (float)(int)(seed >> 8) / (1 << 23) - 1;
  }
  return v;
}

static value *positive(int64_t n) {
  value *v = tensor_of(1, n, 0, 0, 0);
  for (int64_t i = 0; i < n; i++) v->data[i] = fabsf(v->data[i]) + .5f;
  return v;
}

static void drop(value *v) {
  free(v->data);
  free(v);
}

// run computes the outputs that the bits of wanted select. It frees the inputs if last is set.
static void run(const op_def *op, const dw_shape *s, unsigned wanted, value *const *in, size_t n,
                bool last) {
  call c = {.op = op, .attr = {s->k, s->s, s->p, s->d, s->h, s->w}};
  for (size_t i = 0; i < n; i++) c.in[i] = in[i];
  for (size_t i = 0; i < op->outputs; i++) c.wanted[i] = wanted >> i & 1;
  void *kernel = NULL;
  op->op.create(&op->op, table, &c, &kernel);
  op->op.compute(kernel, &c);
  op->op.destroy(kernel);
  printf("%s k%d s%d p%d d%d %dx%d %x", op->name, s->k, s->s, s->p, s->d, s->h, s->w, wanted);
  for (size_t i = 0; i < op->outputs; i++) {
    double sum = 0;
    for (size_t j = 0; c.wanted[i] && j < elements(&c.out[i]); j++) sum += fabs(c.out[i].data[j]);
    printf(" %.6g", sum);
    free(c.out[i].data);
  }
  printf("\n");
  for (size_t i = 0; last && i < n; i++) {
    if (in[i] != NULL) drop(in[i]);
  }
}

extern const op_def zos_depthwise_conv, zos_depthwise_grad_input, zos_depthwise_grad_weight,
    zos_relu_conv_norm, zos_relu_conv_norm_grad, zos_normalize, zos_normalize_grad, zos_max_pool,
    zos_max_pool_grad, zos_average_pool, zos_average_pool_grad, zos_scaled, zos_dot;

enum { channels = 5, outs = 6 };

static int batch = 3;

static value *image(int c, int h, int w) { return tensor_of(4, batch, c, h, w); }

static void depthwise(const dw_shape *s) {
  int nw = channels * s->k * s->k;
  run(&zos_depthwise_conv, s, 1,
      (value *[]){image(channels, s->h, s->w), tensor_of(1, nw, 0, 0, 0)}, 2, true);
  run(&zos_depthwise_grad_input, s, 1,
      (value *[]){image(channels, s->oh, s->ow), tensor_of(1, nw, 0, 0, 0)}, 2, true);
  run(&zos_depthwise_grad_weight, s, 1,
      (value *[]){image(channels, s->oh, s->ow), image(channels, s->h, s->w)}, 2, true);
}

static void unit(const dw_shape *s, unsigned kind) {
  bool plain = s->k == 0, halves = s->k < 0;
  int oh = plain ? s->h : s->oh, ow = plain ? s->w : s->ow;
  value *x = image(channels, s->h, s->w), *w = tensor_of(2, halves ? outs / 2 : outs, channels, 0, 0);
  value *v = plain ? NULL : tensor_of(1, halves ? channels * outs / 2 : channels * s->k * s->k, 0, 0, 0);
  value *scale = kind & 1 ? tensor_of(1, kind & 2 ? outs : 1, 0, 0, 0) : NULL;
  value *y = image(outs, oh, ow), *bias = tensor_of(1, outs, 0, 0, 0);
  run(&zos_relu_conv_norm, s, kind & 4 ? 1 : 7,
      (value *[]){x, w, v, scale, kind & 2 ? bias : NULL, kind & 4 ? y : NULL}, 6, false);
  value *mean = tensor_of(1, outs, 0, 0, 0), *variance = positive(outs);
  static const unsigned wanted[] = {31, 1, 6, 9, 2, 4, 8};
  run(&zos_relu_conv_norm_grad, s, wanted[kind % 7] & (plain ? ~4u : ~0u),
      (value *[]){y, x, mean, variance, w, v, scale, kind & 4 ? x : NULL}, 8, false);
  run(&zos_relu_conv_norm, s, kind & 4 ? 1 : 7,
      (value *[]){x, w, v, scale, bias, kind & 2 ? y : NULL, NULL, mean, variance}, 9, false);
  run(&zos_relu_conv_norm_grad, s, wanted[kind % 7] & (plain ? ~4u : ~0u),
      (value *[]){y, x, mean, variance, w, v, NULL, kind & 4 ? x : NULL, NULL, y}, 10, false);
  value *all[] = {x, w, v, scale, y, bias, mean, variance};
  for (size_t i = 0; i < 8; i++) {
    if (all[i] != NULL) drop(all[i]);
  }
}

static void pools(const dw_shape *s) {
  value *x = image(channels, s->h, s->w), *y = image(channels, s->oh, s->ow);
  run(&zos_max_pool, s, 1, &x, 1, false);
  run(&zos_average_pool, s, 1, &x, 1, false);
  run(&zos_max_pool_grad, s, 1, (value *[]){y, x, NULL}, 3, false);
  run(&zos_max_pool_grad, s, 1, (value *[]){y, x, x}, 3, false);
  run(&zos_average_pool_grad, s, 1, (value *[]){y, NULL}, 2, false);
  run(&zos_average_pool_grad, s, 1, (value *[]){y, x}, 2, true);
}

static void plain(const dw_shape *s) {
  value *x = image(channels, s->h, s->w), *y = image(channels, s->h, s->w);
  value *one = positive(1), *scale = positive(channels), *mean = positive(channels);
  run(&zos_normalize, s, 7, (value *[]){x, NULL, NULL, NULL}, 4, false);
  run(&zos_normalize, s, 1, (value *[]){x, scale, mean, y}, 4, false);
  run(&zos_normalize_grad, s, 7, (value *[]){y, x, mean, scale, scale, x}, 6, false);
  run(&zos_normalize_grad, s, 2, (value *[]){y, x, mean, scale, one, NULL}, 6, false);
  run(&zos_scaled, s, 1, (value *[]){x, one, NULL}, 3, false);
  run(&zos_scaled, s, 1, (value *[]){x, one, y}, 3, false);
  run(&zos_dot, s, 1, (value *[]){x, y}, 2, true);
  drop(one), drop(scale), drop(mean);
}

static bool fits(dw_shape *s) {
  int reach = s->d * (s->k - 1) + 1, h = s->h + 2 * s->p - reach, w = s->w + 2 * s->p - reach;
  s->oh = h / s->s + 1;
  s->ow = w / s->s + 1;
  return h >= 0 && w >= 0;
}

// pointwise runs units without a depthwise convolution.
static void pointwise(int h, int w) {
  dw_shape s = {.h = h, .w = w, .s = 1, .d = 1};
  for (unsigned kind = 0; kind < 8; kind++) unit(&s, kind);
  dw_shape half = {.k = -1, .s = 2, .d = 1, .h = h, .w = w, .oh = h / 2, .ow = w / 2};
  for (unsigned kind = 0; kind < 8 && h % 2 == 0 && w % 2 == 0; kind++) unit(&half, kind);
}

// groups runs units on so many samples that a task computes several of them, and the last one fewer.
static void groups(void) {
  static const int sizes[][2] = {{4, 4}, {6, 5}, {8, 8}, {16, 16}};
  batch = 21;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    dw_shape s = {.h = sizes[i][0], .w = sizes[i][1], .s = 1, .d = 1};
    pointwise(s.h, s.w);
    for (s.k = 3; s.k <= 5; s.k += 2) {
      for (int sd = 0; sd < 4; sd++) {
        s.s = 1 + sd % 2;
        s.d = 1 + sd / 2;
        s.p = s.d * (s.k - 1) / 2;
        if (!fits(&s)) continue;
        for (unsigned kind = 0; kind < 8; kind++) unit(&s, kind);
      }
    }
  }
}

int main(void) {
  static const int sizes[][2] = {{1, 1}, {2, 3}, {4, 4},   {5, 9},   {8, 8},   {9, 10},
                                 {7, 50}, {6, 34}, {16, 16}, {17, 33}, {32, 32}, {35, 31}, {140, 3}};
  unsigned kind = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    dw_shape s = {.h = sizes[i][0], .w = sizes[i][1], .s = 1, .d = 1};
    plain(&s);
    pointwise(s.h, s.w);
    for (s.k = 1; s.k <= dw_max_kernel; s.k++) {
      for (int sd = 0; sd < 4; sd++) {
        s.s = 1 + sd % 2;
        s.d = 1 + sd / 2;
        int reach = s.d * (s.k - 1);
        const int pads[] = {0, reach / 2, reach + 1};
        for (int p = 0; p < 3; p++) {
          s.p = pads[p];
          if (!fits(&s)) continue;
          depthwise(&s);
          unit(&s, kind++);
          if (s.k <= 3 && s.d == 1 && s.p < s.k) pools(&s);
        }
      }
    }
  }
  groups();
  return 0;
}
