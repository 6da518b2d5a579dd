// Package nvml reads how much GPU memory is in use, and by which processes, from NVIDIA's
// management library (docs.nvidia.com/deploy/nvml-api), which comes with the driver. The library is
// opened at run time, so a program with this package starts on a machine without it, and Open
// returns ErrMissing there.
package nvml

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// LibraryName is the file that the driver installs.
const LibraryName = "libnvidia-ml.so.1"

// ErrMissing means that this machine does not provide the figures; errors that wrap it say why.
var ErrMissing = errors.New("no figures of NVML")

// Device is a GPU, or a part of one (MIG) that the driver shows as a device of its own.
type Device struct {
	Name   string
	Driver string // version, such as 580.65.06
	handle handle
}

// Usage is the state of a device at one moment, in bytes.
type Usage struct {
	Total, Used int64 // of the device: all processes, and memory the driver keeps for itself
	Process     int64 // this process; 0 if the driver does not report it, as in most containers
	Busy        int   // recent percentage of time in which a kernel ran; -1 if not reported
}

// Free is the unused memory of the device.
func (u Usage) Free() int64 { return u.Total - u.Used }

// loaded is the path of the library that this process has opened. It is never closed.
var loaded struct {
	sync.Mutex
	path string
}

// Open finds the device with a CUDA UUID, such as GPU-00112233-4455-6677-8899-aabbccddeeff, through
// the library in the first folder that has one. NVML writes the UUID of a part of a device with
// MIG- instead of GPU-. CUDA and NVML number devices differently, and CUDA_VISIBLE_DEVICES changes
// only CUDA's numbers: only the UUID names the same device in both.
func Open(folders []string, uuid string) (*Device, error) {
	if err := load(folders); err != nil {
		return nil, err
	}
	h, err := findDevice(uuid)
	if err != nil {
		h, err = findDevice(strings.Replace(uuid, "GPU-", "MIG-", 1))
	}
	if err != nil {
		return nil, fmt.Errorf("%w: device %q: %w", ErrMissing, uuid, err)
	}
	d := &Device{handle: h}
	if d.Driver, err = driverVersion(); err == nil {
		d.Name, err = deviceName(h)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: device %s: %w", ErrMissing, uuid, err)
	}
	_, err = d.Usage()
	return d, err
}

// load opens the library once.
func load(folders []string) error {
	path := find(folders)
	if path == "" {
		return fmt.Errorf("%w: %s is missing: it comes with the NVIDIA driver", ErrMissing, LibraryName)
	}
	loaded.Lock()
	defer loaded.Unlock()
	if loaded.path == path {
		return nil
	}
	if loaded.path != "" {
		return fmt.Errorf("%w: %s is open, not %s", ErrMissing, loaded.path, path)
	}
	if err := loadLibrary(path); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrMissing, path, err)
	}
	loaded.path = path
	return nil
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

// unknownMemory stands for the memory of a process that NVML may not read
// (NVML_VALUE_NOT_AVAILABLE).
const unknownMemory = ^uint64(0)

// Usage reads the usage of the device.
func (d *Device) Usage() (u Usage, err error) {
	m, err := deviceMemory(d.handle)
	if err != nil {
		return u, fmt.Errorf("%w: memory of %s: %w", ErrMissing, d.Name, err)
	}
	u = Usage{Total: int64(m.total), Used: int64(m.used), Busy: busy(d.handle)}
	for _, p := range processes(d.handle) {
		if int(p.pid) == os.Getpid() && uint64(p.used) != unknownMemory {
			u.Process += int64(p.used)
		}
	}
	return u, nil
}
