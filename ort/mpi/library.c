#define _GNU_SOURCE
#include "library.h"

#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// handle is wide enough for both binary interfaces.
typedef union {
  void *object;  // Open MPI
  int number;    // MPICH
} handle;

static struct {
  int numbers;  // handles are numbers: MPICH
  void *in_place;
  handle world, sum, errors_return, types[zos_mpi_types];
  int (*init)(int *, char ***, int, int *);
  int (*finalize)(void);
  int (*error_string)(int, char *, int *);
  int (*version)(char *, int *);
  // Their types differ between the interfaces.
  void *rank, *size, *allreduce, *bcast, *abort, *set_errhandler;
} mpi;

static const struct {
  const char *symbol;
  void **function;
} functions[] = {
    {"MPI_Init_thread", (void **)&mpi.init},
    {"MPI_Finalize", (void **)&mpi.finalize},
    {"MPI_Error_string", (void **)&mpi.error_string},
    {"MPI_Get_library_version", (void **)&mpi.version},
    {"MPI_Comm_rank", &mpi.rank},
    {"MPI_Comm_size", &mpi.size},
    {"MPI_Allreduce", &mpi.allreduce},
    {"MPI_Bcast", &mpi.bcast},
    {"MPI_Abort", &mpi.abort},
    {"MPI_Comm_set_errhandler", &mpi.set_errhandler},
};

// The handles of Open MPI are addresses of objects, MPI_IN_PLACE is the address 1.
static const struct {
  const char *symbol;
  handle *handle;
} objects[] = {
    {"ompi_mpi_comm_world", &mpi.world},
    {"ompi_mpi_op_sum", &mpi.sum},
    {"ompi_mpi_errors_return", &mpi.errors_return},
    {"ompi_mpi_byte", &mpi.types[zos_mpi_byte]},
    {"ompi_mpi_float", &mpi.types[zos_mpi_float]},
    {"ompi_mpi_double", &mpi.types[zos_mpi_double]},
};

// The handles of MPICH's interface, MPI_IN_PLACE is the address -1.
static void numbers(void) {
  mpi.numbers = 1;
  mpi.in_place = (void *)(intptr_t)-1;
  mpi.world.number = 0x44000000;
  mpi.sum.number = 0x58000003;
  mpi.errors_return.number = 0x54000001;
  mpi.types[zos_mpi_byte].number = 0x4c00010d;
  mpi.types[zos_mpi_float].number = 0x4c00040a;
  mpi.types[zos_mpi_double].number = 0x4c00080b;
}

static char message[256];

// look finds a symbol, or leaves a message.
static void *look(void *library, const char *symbol) {
  void *found = dlsym(library, symbol);
  if (found == NULL) snprintf(message, sizeof message, "it has no %s", symbol);
  return found;
}

// Handlers of signals that a library brings stay out: Go's own turn a fault into a panic and run on stacks of their
// own. UCX sets its handlers when it is loaded, Open MPI when it is initialised.
enum { signals = 32 };

struct handlers {
  struct sigaction of[signals];
  int known[signals];
};

static void keep(struct handlers *h) {
  for (int s = 1; s < signals; s++) h->known[s] = sigaction(s, NULL, &h->of[s]) == 0;
}

static void put_back(const struct handlers *h) {
  for (int s = 1; s < signals; s++)
    if (h->known[s] && s != SIGKILL && s != SIGSTOP) sigaction(s, &h->of[s], NULL);
}

static const char *load(const char *path) {
  // Open MPI's plugins look up the library's symbols in the whole process.
  void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  if (library == NULL) return dlerror();
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if ((*functions[i].function = look(library, functions[i].symbol)) == NULL) return message;
  if (dlsym(library, "ompi_mpi_comm_world") == NULL) {
    numbers();
    return NULL;
  }
  mpi.in_place = (void *)1;
  for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
    if ((objects[i].handle->object = look(library, objects[i].symbol)) == NULL) return message;
  return NULL;
}

const char *zos_mpi_load(const char *path) {
  struct handlers before;
  keep(&before);
  const char *failed = load(path);
  put_back(&before);
  return failed;
}

// CALL1 calls a function of the communicator and one value more, b.
#define CALL1(function, before, h)                                 \
  (mpi.numbers ? ((int (*)(int, before))mpi.function)(h.number, b) \
               : ((int (*)(void *, before))mpi.function)(h.object, b))

int zos_mpi_rank(int *b) { return CALL1(rank, int *, mpi.world); }

int zos_mpi_size(int *b) { return CALL1(size, int *, mpi.world); }

void zos_mpi_abort(int b) { CALL1(abort, int, mpi.world); }

static int return_errors(void) {
  if (mpi.numbers)
    return ((int (*)(int, int))mpi.set_errhandler)(mpi.world.number, mpi.errors_return.number);
  return ((int (*)(void *, void *))mpi.set_errhandler)(mpi.world.object, mpi.errors_return.object);
}

// MPI_THREAD_FUNNELED: only the thread that initialises MPI calls it. It is 1 in both interfaces.
enum { funneled = 1 };

int zos_mpi_init(void) {
  struct handlers before;
  keep(&before);
  int provided, code = mpi.init(NULL, NULL, funneled, &provided);
  put_back(&before);
  return code != 0 ? code : return_errors();
}

int zos_mpi_sum(void *data, int count, int type) {
  if (mpi.numbers)
    return ((int (*)(const void *, void *, int, int, int, int))mpi.allreduce)(
        mpi.in_place, data, count, mpi.types[type].number, mpi.sum.number, mpi.world.number);
  return ((int (*)(const void *, void *, int, void *, void *, void *))mpi.allreduce)(
      mpi.in_place, data, count, mpi.types[type].object, mpi.sum.object, mpi.world.object);
}

int zos_mpi_broadcast(void *data, int count, int from) {
  handle type = mpi.types[zos_mpi_byte];
  if (mpi.numbers)
    return ((int (*)(void *, int, int, int, int))mpi.bcast)(data, count, type.number, from, mpi.world.number);
  return ((int (*)(void *, int, void *, int, void *))mpi.bcast)(data, count, type.object, from, mpi.world.object);
}

int zos_mpi_finalize(void) { return mpi.finalize(); }

void zos_mpi_error(int code, char *text) {
  int n = 0;
  if (mpi.error_string(code, text, &n) != 0) n = snprintf(text, zos_mpi_text, "error %d", code);
  text[n] = 0;
}

void zos_mpi_version(char *text) {
  int n = 0;
  mpi.version(text, &n);
  text[n] = 0;
}
