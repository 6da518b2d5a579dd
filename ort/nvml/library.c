#include "library.h"

#include <dlfcn.h>
#include <stdio.h>

// The functions of a library. The optional ones are NULL if an older driver lacks them; their
// figures are then unknown.
struct functions {
  int (*init)(void);
  int (*driver_version)(char *, unsigned);
  int (*find)(const char *, zos_nvml_device *);
  int (*name)(zos_nvml_device, char *, unsigned);
  int (*memory)(zos_nvml_device, zos_nvml_memory *);
  int (*processes)(zos_nvml_device, unsigned *, zos_nvml_process *);
  int (*utilization)(zos_nvml_device, zos_nvml_utilization *);
  const char *(*error)(int);
};

// A library that fails to load leaves nvml as it was.
static struct functions nvml, found;

static const struct {
  const char *symbol;
  void **function;
  int optional;
} symbols[] = {
    {"nvmlInit_v2", (void **)&found.init, 0},
    {"nvmlSystemGetDriverVersion", (void **)&found.driver_version, 0},
    {"nvmlDeviceGetHandleByUUID", (void **)&found.find, 0},
    {"nvmlDeviceGetName", (void **)&found.name, 0},
    {"nvmlDeviceGetMemoryInfo", (void **)&found.memory, 0},
    {"nvmlDeviceGetComputeRunningProcesses_v3", (void **)&found.processes, 1},
    {"nvmlDeviceGetUtilizationRates", (void **)&found.utilization, 1},
    {"nvmlErrorString", (void **)&found.error, 1},
};

const char *zos_nvml_load(const char *path) {
  static char message[128];
  void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
  if (library == NULL) return dlerror();
  for (unsigned i = 0; i < sizeof symbols / sizeof *symbols; i++) {
    *symbols[i].function = dlsym(library, symbols[i].symbol);
    if (*symbols[i].function == NULL && !symbols[i].optional) {
      snprintf(message, sizeof message, "it has no function %s", symbols[i].symbol);
      dlclose(library);
      return message;
    }
  }
  int code = found.init();
  if (code != zos_nvml_success) {
    snprintf(message, sizeof message, "nvmlInit_v2 returns error %d", code);
    return message;
  }
  nvml = found;
  return NULL;
}

const char *zos_nvml_error(int code) {
  const char *text = nvml.error ? nvml.error(code) : NULL;
  return text ? text : "unknown";
}

int zos_nvml_driver_version(char *version, unsigned size) {
  return nvml.driver_version(version, size);
}

int zos_nvml_find(const char *uuid, zos_nvml_device *device) { return nvml.find(uuid, device); }

int zos_nvml_name(zos_nvml_device device, char *name, unsigned size) {
  return nvml.name(device, name, size);
}

int zos_nvml_memory_info(zos_nvml_device device, zos_nvml_memory *memory) {
  return nvml.memory(device, memory);
}

int zos_nvml_processes(zos_nvml_device device, unsigned *count, zos_nvml_process *list) {
  return nvml.processes ? nvml.processes(device, count, list) : zos_nvml_function_not_found;
}

int zos_nvml_utilization_rates(zos_nvml_device device, zos_nvml_utilization *rates) {
  return nvml.utilization ? nvml.utilization(device, rates) : zos_nvml_function_not_found;
}
