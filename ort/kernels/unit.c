#include "unit.h"

#include <string.h>

// gather forms groups whose D and P stay in the first cache, at least eight of them.
static void gather(unit *u) {
  enum { floats = 8192, tasks = 8 };
  size_t most = u->batch / tasks;
  u->group = floats / ((u->planes + u->out) * u->step);
  if (u->group > most) u->group = most;
  if (u->group == 0) u->group = 1;
  u->tasks = (u->batch + u->group - 1) / u->group;
}

static ort_status sizes(unit *u, const tensor *x, const tensor *w, const tensor *v) {
  if (x->rank != 4 || x->elements == 0) return op_fail(u->k, "unit: X must be NCHW, not empty");
  u->batch = x->dims[0];
  u->in = x->dims[1];
  u->pixels = (size_t)(x->dims[2] * x->dims[3]);
  u->planes = u->in;
  u->out = w->elements / u->in;
  if (u->k->attr[w_kernel] == op_halves) {
    u->halves = true;
    u->shape = (dw_shape){.h = (int)x->dims[2], .w = (int)x->dims[3], .oh = (int)x->dims[2] / 2, .ow = (int)x->dims[3] / 2};
    u->px = u->pixels / 4;
    u->planes = 2 * u->in;
    u->out *= 2;
    if (v->data == NULL || v->elements != w->elements || x->dims[2] % 2 != 0 || x->dims[3] % 2 != 0)
      return op_fail(u->k, "unit: a reduction needs an even image and two weights of the same size");
  } else if (u->k->attr[w_kernel] == 0) {
    u->shape = (dw_shape){.oh = (int)x->dims[2], .ow = (int)x->dims[3]};
    u->px = u->pixels;
  } else {
    TRY(window_shape(u->k, x->dims[2], x->dims[3], &u->shape));
    u->px = (size_t)u->shape.oh * u->shape.ow;
    if (v->data == NULL || v->elements != u->in * u->shape.k * u->shape.k)
      return op_fail(u->k, "unit: %zu channels of kernel %d do not fit %zu weights", u->in,
                     u->shape.k, v->data == NULL ? 0 : v->elements);
    u->forward = dw_choose(u->shape.ow);
    u->back = dw_choose(u->shape.w / u->shape.s);
  }
  // An odd number of cache lines: planes a power of two apart would fall into the same few sets.
  u->row = u->step = unit_align(u->px);
  if (u->step / dense_align % 2 == 0) u->step += dense_align;
  if (w->elements == 0 || w->elements % u->in != 0)
    return op_fail(u->k, "unit: %zu weights for %zu channels", w->elements, u->in);
  gather(u);
  return NULL;
}

ort_status unit_read(unit *u, const op_kernel *k, void *context, size_t x, size_t w, size_t v,
                     size_t scale, size_t add, tensor *image) {
  tensor tw, tv, ts, ta;
  u->k = k;
  u->context = context;
  u->epsilon = k->real;
  u->dense = dense_choose();
  TRY(op_input(k, context, x, image));
  TRY(op_input(k, context, w, &tw));
  TRY(op_input(k, context, v, &tv));
  TRY(op_input(k, context, scale, &ts));
  TRY(op_addend(k, context, add, &ta));
  TRY(sizes(u, image, &tw, &tv));
  if (ts.data != NULL && ts.elements != 1 && ts.elements != u->out)
    return op_fail(k, "unit: %zu scales for %zu channels", ts.elements, u->out);
  u->each = ts.data != NULL && ts.elements > 1;
  u->x = image->data;
  u->w = tw.data;
  u->v = tv.data;
  u->scale = ts.data;
  u->add = ta.data;
  return NULL;
}

size_t unit_scratch(const unit *u) {
  return u->shape.k == 0 ? 0 : u->forward->forward_scratch(&u->shape);
}

void unit_spread(const unit *u, size_t i, size_t n, float *d, float *scratch) {
  const float *x = u->x + i * u->in * u->pixels;
  size_t rest = u->row - u->px;
  if (u->shape.k > 0) {
    dw_planes q = {.in = x, .w = u->v, .out = d, .in_step = u->pixels, .out_step = u->step,
                   .channels = u->in, .to = n * u->in, .relu = true};
    u->forward->forward(&u->shape, &q, scratch);
  } else if (u->halves) {
    for (size_t j = 0; j < n; j++) {
      for (size_t c = 0; c < u->in; c++, x += u->pixels) {
        float *to = d + (j * u->planes + c) * u->step;
        u->dense->pick(to, to + u->in * u->step, x, (size_t)u->shape.h, (size_t)u->shape.w);
      }
    }
  } else {
    for (size_t c = 0; c < n * u->in; c++) u->dense->relu(d + c * u->step, x + c * u->px, u->px);
  }
  for (size_t c = 0; rest > 0 && c < n * u->planes; c++)
    memset(d + c * u->step + u->px, 0, sizeof(float) * rest);
}

void unit_mix(const unit *u, size_t n, const float *d, float *p) {
  size_t m = unit_rows(u);
  for (size_t i = 0; i < n; i++, d += u->planes * u->step, p += u->out * u->step) {
    u->dense->product(m, u->in, u->row, u->w, u->in, d, p, u->step);
    if (u->halves)
      u->dense->product(m, u->in, u->row, u->v, u->in, d + u->in * u->step, p + m * u->step, u->step);
  }
}

float *unit_take(unit *u, size_t floats) {
  float *work = work_take(floats);
  if (work == NULL) __atomic_store_n(&u->failed, 1, __ATOMIC_RELAXED);
  return work;
}

// job is what a task of unit_parallel reads.
typedef struct {
  unit *u;
  unit_part f;
} job;

static void part(void *argument, size_t task) {
  const job *j = argument;
  size_t i = task * j->u->group, rest = j->u->batch - i;
  j->f(j->u, i, rest < j->u->group ? rest : j->u->group);
}

ort_status unit_parallel(unit *u, unit_part f) {
  job j = {u, f};
  TRY(op_parallel(u->k, u->context, u->tasks, part, &j));
  return u->failed ? op_fail(u->k, "unit: out of memory") : NULL;
}
