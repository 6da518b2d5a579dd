// A stand-in for libcuda.so.1, the driver, with one device. STANDIN_ERROR is its error.
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int cuInit(unsigned flags) {
  const char *s = getenv("STANDIN_ERROR");
  return s ? atoi(s) : 0;
}
int cuDeviceGetCount(int *n) { *n = 1; return 0; }
int cuDeviceGetName(char *name, int size, int device) {
  strncpy(name, "stand-in for a GPU", size);
  return 0;
}
int cuDeviceGetUuid_v2(unsigned char *uuid, int device) {
  for (int i = 0; i < 16; i++) uuid[i] = 17 * i;
  return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) {
  const char *s = getenv("STANDIN_BYTES");
  *bytes = s ? strtoull(s, NULL, 10) : 8000000000u;
  return 0;
}
