// Package nvml reads how much memory of a GPU is in use, and by whom, from NVIDIA's management library
// (docs.nvidia.com/deploy/nvml-api), which comes with the driver and is loaded at run time. A machine
// without it is no failure: see ErrMissing.
package nvml

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// LibraryName is the file that the driver brings.
const LibraryName = "libnvidia-ml.so.1"

// ErrMissing is that the figures cannot be had on this machine; the errors that wrap it say why.
var ErrMissing = errors.New("no figures of NVML")

// Device is a GPU, or a part of one that the driver shows as a device of its own (MIG).
type Device struct {
	Name   string
	Driver string // version, such as 580.65.06
	handle nvml.Device
}

// Usage is a device at one moment, in bytes.
type Usage struct {
	Total, Used int64 // of the device; all processes, and what the driver keeps for itself
	Process     int64 // this process; 0 where the driver does not say, as in most containers
	Busy        int   // percent of the last moments in which a kernel ran; -1 where the driver does not say
}

// Free is what is left of the device.
func (u Usage) Free() int64 { return u.Total - u.Used }

// process is the library of this process. It is never shut down: its symbols are bound at the first call,
// and must not go away.
var process struct {
	sync.Mutex
	path string
	nvml.Interface
}

// Open finds the device with a UUID of CUDA, such as GPU-00112233-4455-6677-8899-aabbccddeeff, in the
// library of the first folder that has it; NVML calls a part of a device MIG- instead of GPU-. CUDA and NVML number devices differently, and CUDA_VISIBLE_DEVICES changes
// the numbers of CUDA alone: only the UUID names the same device in both.
func Open(folders []string, uuid string) (*Device, error) {
	lib, err := load(folders)
	if err != nil {
		return nil, err
	}
	handle, code := lib.DeviceGetHandleByUUID(uuid)
	if code != nvml.SUCCESS {
		handle, code = lib.DeviceGetHandleByUUID(strings.Replace(uuid, "GPU-", "MIG-", 1))
	}
	if code != nvml.SUCCESS {
		return nil, fmt.Errorf("%w: device %q: %v", ErrMissing, uuid, code)
	}
	d := &Device{handle: handle}
	if d.Driver, code = lib.SystemGetDriverVersion(); code == nvml.SUCCESS {
		d.Name, code = handle.GetName()
	}
	if code != nvml.SUCCESS {
		return nil, fmt.Errorf("%w: device %s: %v", ErrMissing, uuid, code)
	}
	_, err = d.Usage()
	return d, err
}

// load opens the library once.
func load(folders []string) (nvml.Interface, error) {
	path := find(folders)
	if path == "" {
		return nil, fmt.Errorf("%w: %s is missing: it comes with the NVIDIA driver", ErrMissing, LibraryName)
	}
	process.Lock()
	defer process.Unlock()
	if process.Interface != nil {
		if path != process.path {
			return nil, fmt.Errorf("%w: %s is open, not %s", ErrMissing, process.path, path)
		}
		return process.Interface, nil
	}
	lib := nvml.New(nvml.WithLibraryPath(path))
	if code := lib.Init(); code != nvml.SUCCESS {
		return nil, fmt.Errorf("%w: %s gives error %d", ErrMissing, path, code)
	}
	process.path, process.Interface = path, lib
	return lib, nil
}

func find(folders []string) string {
	for _, dir := range folders {
		path := filepath.Join(dir, LibraryName)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// unknownMemory is what NVML says of a process whose memory it may not see (NVML_VALUE_NOT_AVAILABLE).
const unknownMemory = ^uint64(0)

// Usage reads the device.
func (d *Device) Usage() (u Usage, err error) {
	m, code := d.handle.GetMemoryInfo()
	if code != nvml.SUCCESS {
		return u, fmt.Errorf("%w: memory of %s: %v", ErrMissing, d.Name, code)
	}
	u = Usage{Total: int64(m.Total), Used: int64(m.Used), Busy: -1}
	if list, code := d.handle.GetComputeRunningProcesses(); code == nvml.SUCCESS {
		for _, p := range list {
			if int(p.Pid) == os.Getpid() && p.UsedGpuMemory != unknownMemory {
				u.Process += int64(p.UsedGpuMemory)
			}
		}
	}
	if busy, code := d.handle.GetUtilizationRates(); code == nvml.SUCCESS {
		u.Busy = int(busy.Gpu)
	}
	return u, nil
}
