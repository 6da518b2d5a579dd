// The kernels for bfloat16 images, for driver.c. They have a state of the emulation of their own.
#define ZOS_BFLOAT16
#include "emulate.h"

#include "kernels.cu"

__attribute__((visibility("hidden")))
int emu_launch_bfloat16(void (*kernel)(const void *), unsigned n, unsigned threads, const void *arguments) {
  return emu_launch(kernel, n, threads, arguments);
}
