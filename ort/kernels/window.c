// The geometry of a sliding window, from the attributes of a node.
#include "window.h"

// outputs is the length of Y along an axis of X.
static int outputs(const dw_shape *s, int n) {
  int span = n + 2 * s->p - s->d * (s->k - 1) - 1;
  return span < 0 ? 0 : span / s->s + 1;
}

// window_shape checks the attributes and the shape of X.
ort_status window_shape(const op_kernel *k, int64_t h, int64_t w, dw_shape *s) {
  enum { most = 1 << 14 };  // no plane size overflows
  s->k = k->attr[w_kernel];
  s->s = k->attr[w_stride];
  s->p = k->attr[w_pad];
  s->d = k->attr[w_dilation];
  if (s->k < 1 || s->k > dw_max_kernel || s->s < 1 || s->s > 2 || s->d < 1 || s->d > 2 ||
      s->p < 0 || s->p > most)
    return op_fail(k, "depthwise: kernel %d must be 1 to %d, stride %d and dilation %d 1 or 2, "
                   "pad %d at least 0", s->k, dw_max_kernel, s->s, s->d, s->p);
  if (h < 1 || w < 1 || h > most || w > most)
    return op_fail(k, "depthwise: planes of %lldx%lld", (long long)h, (long long)w);
  s->h = (int)h;
  s->w = (int)w;
  s->oh = outputs(s, s->h);
  s->ow = outputs(s, s->w);
  if (s->oh < 1 || s->ow < 1)
    return op_fail(k, "depthwise: kernel %d, dilation %d, pad %d does not fit into %dx%d", s->k,
                   s->d, s->p, s->h, s->w);
  return NULL;
}
