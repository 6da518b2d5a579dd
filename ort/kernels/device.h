// Launching the kernels of device/kernels.cu through the driver's interface.
#ifndef ZOS_DEVICE_H
#define ZOS_DEVICE_H

#define ZOS_ARGUMENTS_ONLY
#include "device/kernels.cu"
#include "operators.h"

// DEVICE_COMMON is the custom_op of an operator on the device.
#define DEVICE_COMMON(inplace_fn, alias_fn, compute_fn) \
  OP_COMMON_ON(device_provider, inplace_fn, alias_fn, compute_fn)

const char *device_provider(const custom_op *);

// device_image is the kernels compiled for the devices of a capability (90: compute capability 9.0) or, as
// PTX, for that and all later ones.
typedef struct {
  int capability, ptx;
  const void *data;
} device_image;

// device_use names the driver, the images and the provider of the operators. The strings and images must
// stay. alloc and free are those of the pool. A NULL provider is the CPU: then the driver is a stand-in
// without streams.
const char *device_use(const char *driver, const char *provider, const device_image *images, int count,
                       void *(*alloc)(size_t), void (*give_back)(void *));

// device_launch starts a kernel with blocks of zos_threads on the provider's stream.
ort_status device_launch(const op_kernel *, void *context, const char *kernel, size_t blocks_x,
                         size_t blocks_y, const zos_arguments *);

// device_blocks is the number of blocks for n elements, each of which a thread computes on its own.
static inline size_t device_blocks(size_t n) {
  enum { most = 4096 };
  size_t blocks = (n + zos_threads - 1) / zos_threads;
  return blocks > most ? most : blocks;
}

static inline size_t device_least(size_t a, size_t b) { return a < b ? a : b; }

// device_scratch takes n floats of working memory from the pool, in the order of the stream: given back
// right after the launches, it is free for whatever is launched next.
ort_status device_scratch(const op_kernel *, size_t n, float **scratch);
void device_give(float *scratch);

// device_take takes n floats from the front of scratch.
static inline float *device_take(float **scratch, size_t n) {
  float *p = *scratch;
  *scratch += n;
  return p;
}

// device_count checks that a tensor's elements can be counted by the kernels.
ort_status device_count(const op_kernel *, size_t elements, size_t channels);

#endif
