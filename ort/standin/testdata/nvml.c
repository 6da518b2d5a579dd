// A stand-in for libnvidia-ml.so.1: the device of the other libraries. The driver takes 100 MB, and
// so do the context and libraries of this process, besides what the process requests.
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { success = 0, unsupported = 3, not_found = 6, driver = 100000000, context = 100000000 };

static char device;

// in_use reads the number of that name from the file of counts (cudart.c).
static uint64_t in_use(void) {
  uint64_t count[5] = {0};
  const char *path = getenv("STANDIN_COUNTS");
  int file = path ? open(path, O_RDONLY) : -1;
  if (file >= 0 && read(file, count, sizeof count) != sizeof count) count[4] = 0;
  if (file >= 0) close(file);
  return count[4];
}

int nvmlInit_v2(void) { return success; }
const char *nvmlErrorString(int status) { return status == not_found ? "Not Found" : "a status"; }
int nvmlSystemGetDriverVersion(char *version, unsigned size) {
  strncpy(version, "580.65.06", size);
  return success;
}
int nvmlDeviceGetHandleByUUID(const char *uuid, void **handle) {
  *handle = &device;
  return strcmp(uuid, "GPU-00112233-4455-6677-8899-aabbccddeeff") == 0 ? success : not_found;
}
int nvmlDeviceGetName(void *handle, char *name, unsigned size) {
  strncpy(name, "stand-in for a GPU", size);
  return success;
}
int nvmlDeviceGetMemoryInfo(void *handle, uint64_t *memory) {  // total, free, used
  const char *s = getenv("STANDIN_BYTES");
  memory[2] = in_use() + driver + context;
  memory[0] = (s ? strtoull(s, NULL, 10) : 8000000000u) + driver + context;
  memory[1] = memory[0] - memory[2];
  return success;
}
struct process { unsigned id; unsigned long long bytes; unsigned gpu, compute; };
int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, struct process *p) {
  *p = (struct process){getpid(), in_use() + context, 0, 0};
  *count = 1;
  return success;
}
int nvmlDeviceGetUtilizationRates(void *handle, unsigned *rates) { return unsupported; }
