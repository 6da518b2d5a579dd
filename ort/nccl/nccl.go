// Package nccl is a group of ranks whose sums of float32 run on their GPUs, by NVIDIA's NCCL. Another group, of MPI,
// brings them together and does everything else. The library is opened at run time.
package nccl

// #cgo linux LDFLAGS: -ldl
// #include <stdlib.h>
// #include "nccl.h"
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"zos-ort/models/ranks"
	"zos-ort/ort"
)

// Group sums vectors of float32 on the GPUs: gradients and statistics. Numbers of float64 are few and in the memory of
// the host anyway, and stay with the group below.
type Group struct {
	ranks.Group
	Version string
	stream  unsafe.Pointer
}

// Open joins the ranks of a group, each with a GPU of its own that OpenCUDA has opened. All of them call it. If one of
// them fails, all do, and the group stays as it was: a rank that cannot open the library tells the others before any of
// them waits for it.
func Open(below ranks.Group, library ort.CUDALibrary, c ort.CUDA) (*Group, error) {
	if err := ranks.Agree(below, load(library), nil); err != nil {
		return nil, err
	}
	var id C.zos_nccl_id
	var err error
	if below.Rank() == 0 {
		err = check("its identity", C.zos_nccl_new_id(&id))
	}
	if err := ranks.Agree(below, err, nil); err != nil {
		return nil, err
	}
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&id)), int(C.zos_nccl_id_bytes))
	if err := below.Broadcast(bytes, 0); err != nil {
		return nil, err
	}
	err = check(fmt.Sprintf("joining on GPU %d", c.Device),
		C.zos_nccl_join(C.int(c.Device), C.int(below.Size()), &id, C.int(below.Rank())))
	if err := ranks.Agree(below, err, nil); err != nil {
		C.zos_nccl_leave()
		return nil, err
	}
	v := int(C.zos_nccl_version()) // 23203 is 2.32.3
	return &Group{Group: below, Version: fmt.Sprintf("%d.%d.%d", v/10000, v/100%100, v%100), stream: ort.Stream()}, nil
}

// load opens the library for the whole process.
func load(library ort.CUDALibrary) error {
	if library.Path == "" {
		return fmt.Errorf("NCCL: %s is missing: %s", library.Name, library.From)
	}
	path, cudart := C.CString(library.Path), C.CString(ort.CUDART)
	defer C.free(unsafe.Pointer(path))
	defer C.free(unsafe.Pointer(cudart))
	if message := C.zos_nccl_load(path, cudart); message != nil {
		return errors.New("NCCL: " + C.GoString(message))
	}
	return nil
}

func check(what string, message *C.char) error {
	if message == nil {
		return nil
	}
	return fmt.Errorf("NCCL: %s: %s", what, C.GoString(message))
}

// Sum32 replaces every number by its sum over the ranks, with the same bits on all of them.
func (g *Group) Sum32(v []float32) error {
	if len(v) == 0 {
		return nil
	}
	return check("a sum", C.zos_nccl_sum(unsafe.Pointer(&v[0]), C.size_t(len(v)), C.size_t(4*len(v)), C.zos_nccl_float, g.stream))
}

// Leave gives back what the sums have taken. It waits for no other rank, and the group below goes on.
func (g *Group) Leave() { C.zos_nccl_leave() }
