// Launching the kernels of device/kernels.cu through the driver's interface.
#ifndef ZOS_DEVICE_H
#define ZOS_DEVICE_H

#define ZOS_ARGUMENTS_ONLY
#include "device/kernels.cu"
#include "operators.h"

const char *device_provider(const custom_op *);

// device_image is the kernels compiled for the devices of a capability (90: compute capability 9.0) or, as
// PTX, for that and all later ones. Images are float or, narrow, bfloat16.
typedef struct {
  int capability, ptx, narrow;
  const void *data;
} device_image;

// device_use names the driver, the images and the provider of the operators. The strings and images must
// stay. alloc and free are those of the pool. A NULL provider is the CPU: then the driver is a stand-in
// without streams.
const char *device_use(const char *driver, const char *provider, const device_image *images, int count,
                       void *(*alloc)(size_t), void (*give_back)(void *));

// device_launch starts the kernel with a table of jobs on the provider's stream.
ort_status device_launch(const op_kernel *, void *context, int narrow, size_t blocks, const zos_long_table *);

// device_scratch takes bytes of working memory from the pool, in the order of the stream: given back
// right after the launches, it is free for whatever is launched next.
ort_status device_scratch(const op_kernel *, size_t bytes, void **scratch);
void device_give(void *scratch);

#endif
