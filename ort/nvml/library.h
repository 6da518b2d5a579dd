// The functions of NVML that this package calls. The types and functions are those of NVIDIA's
// nvml.h (docs.nvidia.com/deploy/nvml-api); a nvmlReturn_t of 0 is success.
#ifndef ZOS_NVML_LIBRARY_H
#define ZOS_NVML_LIBRARY_H

typedef struct nvmlDevice_st *zos_nvml_device;

typedef struct {
  unsigned long long total, free, used;
} zos_nvml_memory;

typedef struct {
  unsigned pid;
  unsigned long long used;
  unsigned gpu_instance, compute_instance;
} zos_nvml_process;

typedef struct {
  unsigned gpu, memory;  // percent
} zos_nvml_utilization;

enum { zos_nvml_success = 0, zos_nvml_insufficient_size = 7, zos_nvml_function_not_found = 13 };

// zos_nvml_load opens the library and initialises it. It returns NULL on success, or an error
// message, valid until the next call. A process loads one library and keeps it.
const char *zos_nvml_load(const char *path);

const char *zos_nvml_error(int code);
int zos_nvml_driver_version(char *version, unsigned size);
int zos_nvml_find(const char *uuid, zos_nvml_device *device);
int zos_nvml_name(zos_nvml_device device, char *name, unsigned size);
int zos_nvml_memory_info(zos_nvml_device device, zos_nvml_memory *memory);
int zos_nvml_processes(zos_nvml_device device, unsigned *count, zos_nvml_process *list);
int zos_nvml_utilization_rates(zos_nvml_device device, zos_nvml_utilization *rates);

#endif
