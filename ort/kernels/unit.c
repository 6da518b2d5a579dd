#include "unit.h"

#include <string.h>

static ort_status sizes(unit *u, const tensor *x, const tensor *w, const tensor *v) {
  if (x->rank != 4 || x->elements == 0) return op_fail(u->k, "unit: X must be NCHW, not empty");
  u->batch = x->dims[0];
  u->in = x->dims[1];
  u->pixels = (size_t)(x->dims[2] * x->dims[3]);
  if (u->k->attr[w_kernel] == 0) {
    u->px = u->pixels;
  } else {
    TRY(window_shape(u->k, x->dims[2], x->dims[3], &u->shape));
    u->px = (size_t)u->shape.oh * u->shape.ow;
    if (v->data == NULL || v->elements != u->in * u->shape.k * u->shape.k)
      return op_fail(u->k, "unit: %zu channels of kernel %d do not fit %zu weights", u->in,
                     u->shape.k, v->data == NULL ? 0 : v->elements);
    u->forward = dw_choose(u->shape.ow);
    u->back = dw_choose(u->shape.w);
  }
  // An odd number of cache lines: planes a power of two apart would fall into the same few sets.
  u->row = u->step = unit_align(u->px);
  if (u->step / dense_align % 2 == 0) u->step += dense_align;
  u->out = w->elements / u->in;
  if (u->out == 0 || w->elements != u->out * u->in)
    return op_fail(u->k, "unit: %zu weights for %zu channels", w->elements, u->in);
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

void unit_project(const unit *u, size_t i, float *d, float *p, float *scratch) {
  const float *x = u->x + i * u->in * u->pixels;
  size_t rest = u->row - u->px;
  if (u->shape.k == 0) {
    for (size_t c = 0; c < u->in; c++) u->dense->relu(d + c * u->step, x + c * u->px, u->px);
  } else {
    dw_planes q = {.in = x, .w = u->v, .out = d, .in_step = u->pixels, .out_step = u->step,
                   .channels = u->in, .to = u->in, .relu = true};
    u->forward->forward(&u->shape, &q, scratch);
  }
  for (size_t c = 0; rest > 0 && c < u->in; c++)
    memset(d + c * u->step + u->px, 0, sizeof(float) * rest);
  u->dense->product(u->out, u->in, u->row, u->w, u->in, d, p, u->step);
}

ort_status unit_parallel(unit *u, void (*f)(void *, size_t)) {
  TRY(op_parallel(u->k, u->context, u->batch, f, u));
  return u->failed ? op_fail(u->k, "unit: out of memory") : NULL;
}
