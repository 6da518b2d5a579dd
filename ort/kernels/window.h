// The geometry of a sliding window, from the attributes of a node.
#ifndef ZOS_WINDOW_H
#define ZOS_WINDOW_H

#include "depthwise.h"
#include "op.h"

// Positions of the attributes of a window, which come first.
enum { w_kernel, w_stride, w_pad, w_dilation, w_end };

enum { op_halves = -1 };  // the kernel of a factorised reduction, which has no window

// window_shape checks the attributes and the height and width of X, and computes those of Y.
ort_status window_shape(const op_kernel *k, int64_t h, int64_t w, dw_shape *s);

#endif
