// The functions of MPI that this package calls, and the values that a program finds in mpi.h. There are two binary
// interfaces. In that of Open MPI a handle is a pointer to an object of the library (ompi/include/mpi.h.in). In that
// of MPICH, which Intel MPI and MVAPICH share (mpich.org/abi), it is a number (src/include/mpi.h.in).
#ifndef ZOS_MPI_LIBRARY_H
#define ZOS_MPI_LIBRARY_H

enum zos_mpi_type { zos_mpi_byte, zos_mpi_float, zos_mpi_double, zos_mpi_types };

// zos_mpi_load opens the library. It returns NULL on success, or an error message, valid until the next call. A
// process loads one library and keeps it.
const char *zos_mpi_load(const char *path);

// The others return a code of MPI; 0 is success. All of them, zos_mpi_init too, are called by one thread.
int zos_mpi_init(void);
int zos_mpi_rank(int *rank);
int zos_mpi_size(int *size);
int zos_mpi_sum(void *data, int count, int type);
int zos_mpi_broadcast(void *data, int count, int from);
void zos_mpi_abort(int status);
int zos_mpi_finalize(void);

// Both texts have room for zos_mpi_text bytes; the standard's limits are below it in all libraries.
enum { zos_mpi_text = 16384 };
void zos_mpi_error(int code, char *text);
void zos_mpi_version(char *text);

#endif
