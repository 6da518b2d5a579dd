package nvml

// #cgo linux LDFLAGS: -ldl
// #include <stdlib.h>
// #include "library.h"
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

// textSize is enough for every name and version (NVML_DEVICE_NAME_V2_BUFFER_SIZE is 96).
const textSize = 256

// handle names a device to NVML.
type handle = C.zos_nvml_device

// check turns a code of NVML into an error.
func check(code C.int) error {
	if code == C.zos_nvml_success {
		return nil
	}
	return fmt.Errorf("error %d (%s)", int(code), C.GoString(C.zos_nvml_error(code)))
}

// loadLibrary opens the library for the whole process.
func loadLibrary(path string) error {
	p := C.CString(path)
	defer C.free(unsafe.Pointer(p))
	if message := C.zos_nvml_load(p); message != nil {
		return errors.New(C.GoString(message))
	}
	return nil
}

func driverVersion() (string, error) {
	var text [textSize]C.char
	err := check(C.zos_nvml_driver_version(&text[0], textSize))
	return C.GoString(&text[0]), err
}

func findDevice(uuid string) (device handle, err error) {
	u := C.CString(uuid)
	defer C.free(unsafe.Pointer(u))
	err = check(C.zos_nvml_find(u, &device))
	return device, err
}

func deviceName(device handle) (string, error) {
	var text [textSize]C.char
	err := check(C.zos_nvml_name(device, &text[0], textSize))
	return C.GoString(&text[0]), err
}

func deviceMemory(device handle) (m C.zos_nvml_memory, err error) {
	err = check(C.zos_nvml_memory_info(device, &m))
	return m, err
}

// processes lists the processes that compute on the device, or nothing if the driver does not
// report them. Others may start meanwhile, so the list grows until it holds all of them.
func processes(device handle) []C.zos_nvml_process {
	for size := C.uint(16); ; size *= 2 {
		list := make([]C.zos_nvml_process, size)
		count := size
		switch C.zos_nvml_processes(device, &count, &list[0]) {
		case C.zos_nvml_success:
			return list[:count]
		case C.zos_nvml_insufficient_size:
		default:
			return nil
		}
	}
}

// busy is the recent percentage of time in which a kernel ran, or -1 if the driver does not report
// it.
func busy(device handle) int {
	var rates C.zos_nvml_utilization
	if C.zos_nvml_utilization_rates(device, &rates) != C.zos_nvml_success {
		return -1
	}
	return int(rates.gpu)
}
