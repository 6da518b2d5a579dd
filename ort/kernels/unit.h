// ReluConvNorm, the unit of DARTS cells: ReLU, depthwise convolution, 1x1 convolution, batch norm
// with the statistics of the batch. A unit without a depthwise convolution (kernel 0) is ReLU, 1x1
// convolution, batch norm.
//
//   D = depthwise(relu(X), V)   P = W D   Y = scale (P - mean) / sqrt(var + epsilon) + bias + add
//
// A factorised reduction (kernel op_halves) has two 1x1 convolutions of stride 2 in place of one: W gives
// the first half of the channels of P from the pixels at even places, V the second half from the
// pixels one row and one column behind them. D has both kinds of pixels, those for W first.
//
// Only X and the statistics are kept for the backward pass, which recomputes D and P: that takes
// less time than reading them from memory.
#ifndef ZOS_UNIT_H
#define ZOS_UNIT_H

#include "dense.h"
#include "norm.h"
#include "operators.h"
#include "window.h"

// unit is one application. A task computes a group of samples, or the rest of them: small ones together, as
// taking memory and clearing canvases for each would take most of the time. The group depends on the shapes
// alone, so that sums do not depend on the number of threads.
// Planes of D and P are step apart in working memory. step is a multiple
// of dense_align. The products read row floats of a plane; those after the pixels are zero.
typedef struct {
  const op_kernel *k;
  void *context;
  const dense_kernels *dense;
  const dw_kernels *forward, *back;  // for the widths of Y and X
  dw_shape shape;                    // shape.k 0: no depthwise convolution
  bool halves;                       // a factorised reduction
  size_t batch, in, out, planes;     // samples, channels of X, Y and D
  size_t group, tasks;               // samples of a task, number of tasks
  size_t pixels, px, row, step;      // of a plane of X; of a plane of Y; see above
  float epsilon;
  bool each;                         // scale has one number per channel
  const float *x, *dy, *w, *v, *scale, *bias, *add, *mean, *variance;
  const float *known;                // Y before the backward pass, or NULL
  float *y, *dx;                     // results
  float *d, *p;                      // all samples: D[batch,planes,step], P[batch,out,step]; or NULL
  float *turned;                     // W', and V' of a factorised reduction
  float *dw, *dv;                    // parts of every sample or, with a depthwise convolution, dv of every task; or NULL
  float *coefficient;                // per channel of Y: a, or k0, k1, k2
  double *first, *second;            // moments or slopes of every plane of P
  int failed;
} unit;

// unit_read reads what the operator and its gradient share; the indices are those of the inputs.
ort_status unit_read(unit *u, const op_kernel *k, void *context, size_t x, size_t w, size_t v,
                     size_t scale, size_t add, tensor *image);

// unit_spread computes D of n samples from sample i on, and unit_mix P from D. unit_scratch is the size of
// scratch.
void unit_spread(const unit *u, size_t i, size_t n, float *d, float *scratch);
void unit_mix(const unit *u, size_t n, const float *d, float *p);
size_t unit_scratch(const unit *u);

// unit_take is work_take for one task.
float *unit_take(unit *u, size_t floats);

// unit_part computes something of n samples from sample i on.
typedef void (*unit_part)(unit *u, size_t i, size_t n);

// unit_parallel runs f for the samples of every task.
ort_status unit_parallel(unit *u, unit_part f);

// unit_rows is the number of rows of W, and of V of a factorised reduction.
static inline size_t unit_rows(const unit *u) { return u->halves ? u->out / 2 : u->out; }

static inline float unit_scale(const unit *u, size_t c) {
  return u->scale == NULL ? 1 : u->scale[u->each ? c : 0];
}

static inline size_t unit_align(size_t n) {
  return (n + dense_align - 1) / dense_align * dense_align;
}

#endif
