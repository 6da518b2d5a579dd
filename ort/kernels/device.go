package kernels

// #cgo linux LDFLAGS: -ldl
// #include <stdlib.h>
// #include "device.h"
// extern const op_def zos_device_group, zos_device_group_bfloat16;
import "C"

import (
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"zos-ort/ort"
	"zos-ort/ort/kernels/device"
)

// DomainFor makes the domain for sessions with these options: nil if they name one already, that of
// the GPU if its programs use our kernels, else that of the CPU.
func DomainFor(o ort.Options) (*ort.Domain, error) {
	switch {
	case slices.ContainsFunc(o.Domains, func(d *ort.Domain) bool { return d.Name() == Name }):
		return nil, nil
	case o.CUDA != nil && o.CUDA.Kernels:
		return NewDeviceDomain("libcuda.so.1", "CUDAExecutionProvider")
	}
	return NewDomain()
}

// loaded are the images in C memory. They stay: sessions may load them at any time.
var loaded = sync.OnceValues(func() ([]C.device_image, error) {
	images, err := device.Images()
	if err != nil {
		return nil, err
	}
	size := C.size_t(unsafe.Sizeof(C.device_image{}))
	list := unsafe.Slice((*C.device_image)(C.calloc(C.size_t(len(images)), size)), len(images))
	for i, m := range images {
		list[i].capability, list[i].data = C.int(m.Capability), C.CBytes(append(m.Code, 0))
		list[i].ptx, list[i].narrow = C.int(number(m.PTX)), C.int(number(m.BFloat16))
	}
	return list, nil
})

// NewDeviceDomain makes the domain of the operators on a GPU, with the driver of that name or path.
// Without a provider they run on the CPU, for which the driver must be a stand-in. A process has one
// driver and provider.
func NewDeviceDomain(driver, provider string) (*ort.Domain, error) {
	images, err := loaded()
	if err != nil {
		return nil, err
	}
	path, name := C.CString(driver), (*C.char)(nil)
	defer C.free(unsafe.Pointer(path))
	if provider != "" {
		name = C.CString(provider) // which stays, as the operators do
	}
	alloc, free := ort.PoolFunctions()
	if why := C.device_use(path, name, &images[0], C.int(len(images)), (*[0]byte)(alloc),
		(*[0]byte)(free)); why != nil {
		return nil, fmt.Errorf("our kernels on a GPU: %s", C.GoString(why))
	}
	return ort.NewDomain(Name, unsafe.Pointer(&C.zos_device_group), unsafe.Pointer(&C.zos_device_group_bfloat16))
}

func number(is bool) int {
	if is {
		return 1
	}
	return 0
}
