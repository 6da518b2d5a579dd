package mpi

// #cgo linux LDFLAGS: -ldl
// #include <stdlib.h>
// #include "library.h"
import "C"

import (
	"errors"
	"strings"
	"unsafe"
)

// check turns a code of MPI into an error.
func check(code C.int) error {
	if code == 0 {
		return nil
	}
	text := make([]C.char, C.zos_mpi_text)
	C.zos_mpi_error(code, &text[0])
	return errors.New("MPI: " + C.GoString(&text[0]))
}

// loadLibrary opens the library for the whole process.
func loadLibrary(path string) error {
	p := C.CString(path)
	defer C.free(unsafe.Pointer(p))
	if message := C.zos_mpi_load(p); message != nil {
		return errors.New(C.GoString(message))
	}
	return nil
}

func initialise() error { return check(C.zos_mpi_init()) }

func finalise() error { return check(C.zos_mpi_finalize()) }

func abort(status int) { C.zos_mpi_abort(C.int(status)) }

func rankAndSize() (rank, size int, err error) {
	var r, n C.int
	if err = check(C.zos_mpi_rank(&r)); err == nil {
		err = check(C.zos_mpi_size(&n))
	}
	return int(r), int(n), err
}

func sum32(v []float32) error {
	return check(C.zos_mpi_sum(unsafe.Pointer(&v[0]), C.int(len(v)), C.zos_mpi_float))
}

func sum64(v []float64) error {
	return check(C.zos_mpi_sum(unsafe.Pointer(&v[0]), C.int(len(v)), C.zos_mpi_double))
}

func broadcast(b []byte, from int) error {
	return check(C.zos_mpi_broadcast(unsafe.Pointer(&b[0]), C.int(len(b)), C.int(from)))
}

// version is what the library says of itself, in one line.
func version() string {
	text := make([]C.char, C.zos_mpi_text)
	C.zos_mpi_version(&text[0])
	line, _, _ := strings.Cut(strings.TrimSpace(C.GoString(&text[0])), "\n")
	return strings.Trim(line, " ,\t")
}
