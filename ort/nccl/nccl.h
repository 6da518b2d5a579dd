// The functions of NCCL that this package calls, and the values that a program finds in nccl.h (2.32.3).
#ifndef ZOS_NCCL_H
#define ZOS_NCCL_H

#include <stddef.h>

// The bytes of ncclUniqueId, by which ranks find each other.
enum { zos_nccl_id_bytes = 128 };
typedef struct { char internal[zos_nccl_id_bytes]; } zos_nccl_id;

// ncclDataType_t.
enum { zos_nccl_float = 7, zos_nccl_double = 8 };

// zos_nccl_load opens NCCL and takes what it needs of libcudart, which must be loaded. It returns NULL on success, or an
// error message, valid until the next call. A process loads both once and keeps them.
const char *zos_nccl_load(const char *path, const char *cudart);

// The others return NULL on success, or what NCCL or CUDA says of the error, valid until the next call.
const char *zos_nccl_new_id(zos_nccl_id *id);
const char *zos_nccl_join(int device, int size, const zos_nccl_id *id, int rank);

// zos_nccl_sum replaces the numbers in the memory of the host by their sums over the ranks. Copies and sum are work of
// the stream, in the order in which sessions compute on it; when it returns they are done.
const char *zos_nccl_sum(void *data, size_t count, size_t bytes, int type, void *stream);

int zos_nccl_version(void);

// zos_nccl_leave waits for no other rank, unlike ncclCommDestroy: this one may have failed.
void zos_nccl_leave(void);

#endif
