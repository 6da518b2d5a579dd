package ort

// #include <stdlib.h>
// #include "cuda.h"
import "C"

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"unsafe"

	onnx "github.com/yalue/onnxruntime_go"
)

// ErrCUDA means that CUDA cannot be used on this machine; errors that wrap it say why.
var ErrCUDA = errors.New("cuda cannot be used")

// CUDA holds the settings of a session that runs on a GPU.
type CUDA struct {
	Device   int
	TF32     bool  // convolutions and matrix products with 10 bits of mantissa
	BFloat16 bool  // programs keep activations as bfloat16
	Kernels  bool  // programs use our own kernels (package ort/kernels)
	Graphs   bool  // programs of a Store run as CUDA graphs (Replay)
	Limit    int64 // bytes that the pool may hand out; 0: all of the device
	Search   AlgorithmSearch

	// Notice hears in one line why a program runs without its graph; nil: nobody does.
	Notice func(text string)
}

// AlgorithmSearch says how cuDNN's convolution algorithms are chosen, in ONNX Runtime's words.
type AlgorithmSearch string

// The searches. Exhaustive, which "" means, tries all algorithms once per shape and session and
// needs their scratch memory; the session keeps what it finds.
const (
	Exhaustive AlgorithmSearch = "EXHAUSTIVE"
	Heuristic  AlgorithmSearch = "HEURISTIC"
	NoSearch   AlgorithmSearch = "DEFAULT"
)

// CUDADevice is a GPU.
type CUDADevice struct {
	Name  string
	Bytes int64
	UUID  string // as NVIDIA's tools print it; empty if the driver does not give one
}

// CUDAStatus is what is known about CUDA on this machine.
type CUDAStatus struct {
	Runtime   string // library of the build with the CUDA provider; empty if not set up
	Libraries []CUDALibrary
	Devices   []CUDADevice
	Err       error // why CUDA cannot be used; nil if it can
}

// FindDevices looks in the given folders for everything that a CUDA session needs, and asks the
// driver for its devices.
func FindDevices(folders []string) CUDAStatus {
	s := CUDAStatus{Libraries: FindCUDA(folders)}
	var err error
	if s.Runtime, err = LocateCUDA(); err != nil {
		s.Err = err
	}
	for _, l := range s.Libraries {
		if l.Path == "" && s.Err == nil {
			s.Err = fmt.Errorf("%w: %s is missing: %s", ErrCUDA, l.Name, l.From)
		}
	}
	if driver := s.Libraries[0].Path; driver != "" {
		if s.Devices, err = devices(driver); err != nil && s.Err == nil {
			s.Err = err
		}
	}
	return s
}

// devices asks the driver at path for its devices.
func devices(path string) ([]CUDADevice, error) {
	driver, err := loadCUDA(path)
	if err != nil {
		return nil, err
	}
	var count C.int
	if code := C.zos_cuda_devices(driver, &count); code != 0 {
		return nil, fmt.Errorf("%w: the driver %s gives error %d", ErrCUDA, path, code)
	}
	if count == 0 {
		return nil, fmt.Errorf("%w: the driver knows no GPU", ErrCUDA)
	}
	list := make([]CUDADevice, count)
	for i := range list {
		var name [256]C.char
		var bytes C.size_t
		code := C.zos_cuda_device(driver, C.int(i), &name[0], C.int(len(name)), &bytes)
		if code != 0 {
			return nil, fmt.Errorf("%w: GPU %d gives error %d", ErrCUDA, i, code)
		}
		list[i] = CUDADevice{C.GoString(&name[0]), int64(bytes), uuid(driver, i)}
	}
	return list, nil
}

// uuid returns the name of a device that does not depend on CUDA_VISIBLE_DEVICES.
func uuid(driver unsafe.Pointer, i int) string {
	var b [16]C.uchar
	if C.zos_cuda_uuid(driver, C.int(i), &b[0]) != 0 {
		return ""
	}
	u := C.GoBytes(unsafe.Pointer(&b[0]), C.int(len(b)))
	return fmt.Sprintf("GPU-%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// loadCUDA loads a library of CUDA, so that ONNX Runtime finds it by name wherever it lies. The
// library stays loaded.
func loadCUDA(path string) (unsafe.Pointer, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var message [512]C.char
	handle := C.zos_cuda_load(name, &message[0], C.size_t(len(message)))
	if handle == nil {
		return nil, fmt.Errorf("%w: %s", ErrCUDA, C.GoString(&message[0]))
	}
	return handle, nil
}

// OpenCUDA opens the runtime's CUDA build and a device's memory pool, which serves all sessions on
// it.
func OpenCUDA(s CUDAStatus, c CUDA) error {
	if s.Err != nil {
		return s.Err
	}
	if c.Device < 0 || c.Device >= len(s.Devices) {
		return fmt.Errorf("%w: there is no GPU %d, the driver knows %d", ErrCUDA, c.Device, len(s.Devices))
	}
	for _, l := range s.Libraries {
		handle, err := loadCUDA(l.Path)
		if err != nil {
			return err
		}
		if l.Name == CUDART {
			if err := openPool(handle, c); err != nil {
				return err
			}
		}
	}
	if err := Open(s.Runtime); err != nil {
		return err
	}
	startGPU()
	return check("register the memory pool", C.zos_pool_register(process.env, C.int(c.Device)))
}

// openPool prepares the memory pool through a loaded libcudart.
func openPool(cudart unsafe.Pointer, c CUDA) error {
	if code := C.zos_pool_open(cudart, C.int(c.Device), C.uint64_t(c.Limit)); code != 0 {
		return fmt.Errorf("%w: the memory pool of GPU %d gives error %d", ErrCUDA, c.Device, code)
	}
	return nil
}

// settings returns the options of ONNX Runtime's CUDA provider
// (onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html).
//
// The options for an external allocator do not help: they are lost on the way to the provider
// (UpdateProviderOptions in cuda_provider_factory.cc). Nor does enable_cuda_graph: the first call
// runs a program several times to capture it, and each run would update the weights
// (TestCUDAGraphs). See Replay for the graphs of this package.
func (c CUDA) settings() map[string]string {
	tf32 := map[bool]string{false: "0", true: "1"}
	search := cmp.Or(c.Search, Exhaustive)
	return map[string]string{"device_id": strconv.Itoa(c.Device), "use_tf32": tf32[c.TF32],
		"cudnn_conv_algo_search": string(search), "cudnn_conv_use_max_workspace": "1"}
}

// append makes the CUDA provider the session's first, on the pool's stream: all sessions compute on
// this stream, in the order of the calls.
func (c CUDA) append(so *onnx.SessionOptions) error {
	o, err := onnx.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	defer o.Destroy()
	if err := o.Update(c.settings()); err != nil {
		return err
	}
	handle, err := cudaHandle(o)
	if err != nil {
		return err
	}
	if err := check("set the stream", C.zos_pool_use_stream(handle)); err != nil {
		return err
	}
	return so.AppendExecutionProviderCUDA(o)
}

// Stream is the CUDA stream of the pool, on which all sessions compute; nil before OpenCUDA.
func Stream() unsafe.Pointer { return C.zos_pool_stream() }

// poolAlloc and poolFree are the functions that ONNX Runtime calls, for Go; nil is a refusal.
func poolAlloc(bytes int) unsafe.Pointer { return C.zos_pool_alloc(C.size_t(bytes)) }

func poolFree(p unsafe.Pointer) { C.zos_pool_free(p) }

// PoolFunctions are these functions for C: void *alloc(size_t) and void free(void *).
func PoolFunctions() (alloc, free unsafe.Pointer) { return C.zos_pool_alloc, C.zos_pool_free }

// PoolStats holds the counters of the device's memory pool, in bytes.
type PoolStats struct {
	InUse, Peak int64 // handed out now, and the most since ResetPool
	Reserved    int64 // most taken from the device since ResetPool
	Refused     int64 // the last request that did not fit; 0: none
	Held        int64 // taken from the device now, in use or not
	Available   int64 // free on the device, for all processes
}

// Pool reads the memory pool that OpenCUDA opened.
func Pool() (s PoolStats, err error) {
	for what, to := range map[C.int]*int64{C.zos_pool_in_use: &s.InUse, C.zos_pool_peak: &s.Peak,
		C.zos_pool_reserved: &s.Reserved, C.zos_pool_held: &s.Held} {
		var bytes C.uint64_t
		if code := C.zos_pool_read(what, &bytes); code != 0 {
			return s, fmt.Errorf("memory pool: error %d", code)
		}
		*to = int64(bytes)
	}
	var free C.size_t
	if code := C.zos_pool_available(&free); code != 0 {
		return s, fmt.Errorf("memory pool: error %d", code)
	}
	s.Refused, s.Available = int64(C.zos_pool_refused()), int64(free)
	return s, nil
}

// TrimPool gives the memory that is not in use back to the device.
func TrimPool() error {
	if code := C.zos_pool_trim(); code != 0 {
		return fmt.Errorf("memory pool: error %d", code)
	}
	return nil
}

// ResetPool resets the peaks and the last refused request.
func ResetPool() error {
	if code := C.zos_pool_reset(); code != 0 {
		return fmt.Errorf("memory pool: error %d", code)
	}
	return nil
}
