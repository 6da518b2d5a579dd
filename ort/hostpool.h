// A pool of host memory for the tensors of steps, which take and give back the same sizes again and again. Included by the
// C files only.
#ifndef ZOS_ORT_HOSTPOOL_H
#define ZOS_ORT_HOSTPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// zos_host_alloc returns memory at a multiple of 256; NULL for no bytes, and where the system has no memory. Any thread may
// give it back.
void *zos_host_alloc(size_t bytes);
void zos_host_free(void *p);

// zos_host_trim gives the system all pages that are not in use.
void zos_host_trim(void);

// zos_host_trim_idle does so if nothing is in use, and begins a new peak then.
void zos_host_trim_idle(void);

// zos_host_stats are counts in bytes. Memory is in use in multiples of 256.
typedef struct {
  uint64_t in_use, peak;  // handed out now, and at most since the pool was idle
  uint64_t resident;      // pages of the system, at most: touched and not given back
  uint64_t held;          // addresses
} zos_host_stats;
zos_host_stats zos_host_read(void);

#endif
