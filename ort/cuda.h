// The parts of CUDA that this package uses: the driver's list of devices, and one memory pool for
// all sessions. The libraries are loaded at run time; nothing is linked.
#ifndef ZOS_ORT_CUDA_H
#define ZOS_ORT_CUDA_H

#include "api.h"

// zos_cuda_load loads a library for all later libraries. The loader's complaint goes to message.
void *zos_cuda_load(const char *path, char *message, size_t size);

// zos_cuda_devices counts the devices of a loaded driver (libcuda). It returns the driver's error
// code, 0 for none, or -1 if the library is not a driver.
int zos_cuda_devices(void *driver, int *count);
int zos_cuda_device(void *driver, int i, char *name, int size, size_t *bytes);

// zos_cuda_uuid gets the 16 bytes that name a device, or the part of it that this process may use.
int zos_cuda_uuid(void *driver, int i, unsigned char *uuid);

// The pool is the default memory pool of one device, through a loaded libcudart. Results are
// libcudart's error codes, 0 for none, or -1 if the library lacks a function.
enum { zos_pool_in_use, zos_pool_peak, zos_pool_reserved, zos_pool_held };
int zos_pool_open(void *cudart, int device, uint64_t limit);
int zos_pool_read(int what, uint64_t *bytes);
int zos_pool_reset(void);
int zos_pool_trim(void);
int zos_pool_available(size_t *bytes);
uint64_t zos_pool_refused(void);
void *zos_pool_alloc(size_t bytes);
void zos_pool_free(void *p);

// zos_pool_enter puts this thread on the pool's device.
int zos_pool_enter(void);

// zos_pool_library is the libcudart that zos_pool_open was given; NULL before.
void *zos_pool_library(void);

// zos_pool_info describes the pool's memory for tensors; NULL before zos_pool_register.
const OrtMemoryInfo *zos_pool_info(void);

// zos_pool_stream is the stream that orders the pool's memory.
void *zos_pool_stream(void);

// zos_pool_use_stream makes a session compute on the stream that orders the pool's memory.
OrtStatus *zos_pool_use_stream(OrtCUDAProviderOptionsV2 *options);

// zos_pool_register makes the pool the environment's allocator for a device, for sessions that use
// the environment's allocators; zos_pool_unregister undoes that.
OrtStatus *zos_pool_register(OrtEnv *env, int device);
OrtStatus *zos_pool_unregister(OrtEnv *env);

#endif
