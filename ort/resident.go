package ort

// #include "cuda.h"
// #include "graph.h"
import "C"

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"unsafe"
)

// Resident is a set of named float tensors in the memory of the GPU, at places that stay the same, so that
// CUDA graphs can hold their addresses. ONNX Runtime's own states do not tell theirs. A Resident owns its
// memory and the Replays made on it.
type Resident struct {
	mu   sync.Mutex
	open bool
	layout
	values  map[string]resident
	replays map[*Replay]bool
}

// resident is a tensor of a Resident.
type resident struct {
	memory unsafe.Pointer
	value  *C.OrtValue // over the memory
}

// NewResident makes a Resident of the given parameters and copies the data, after OpenCUDA.
func NewResident(params []Param) (*Resident, error) {
	if Stream() == nil {
		return nil, fmt.Errorf("new state: %w: OpenCUDA was not called", ErrCUDA)
	}
	if err := process.acquire("state"); err != nil {
		return nil, err
	}
	r := &Resident{open: true, layout: layoutOf(params), values: map[string]resident{}, replays: map[*Replay]bool{}}
	for _, p := range params {
		if err := r.add(p); err != nil {
			r.Close()
			return nil, err
		}
	}
	return r, nil
}

// add takes memory for a parameter and fills it.
func (r *Resident) add(p Param) error {
	if _, twice := r.values[p.Name]; twice {
		return fmt.Errorf("new state: %w: %s twice", ErrName, p.Name)
	}
	if err := r.fits("new state", p.Name, len(p.Data)); err != nil {
		return err
	}
	bytes := C.size_t(max(4, 4*len(p.Data)))
	err := onGPU(func() error {
		if err := cudaError("graphs", C.zos_graph_open()); err != nil {
			return err
		}
		v := resident{memory: C.zos_pool_alloc(bytes)}
		if v.memory == nil {
			return fmt.Errorf("new state: %w: %s takes %d bytes", ErrGPUMemory, p.Name, bytes)
		}
		r.values[p.Name] = v
		dims, rank := cDims(p.Shape)
		err := check("new state", C.zos_value_create(C.zos_pool_info(), v.memory, C.size_t(4*len(p.Data)), dims, rank,
			C.int(Float), &v.value))
		r.values[p.Name] = v
		return err
	})
	if err != nil {
		return err
	}
	return r.Set(p.Name, p.Data)
}

// Get copies a parameter to dst, which must have as many elements.
func (r *Resident) Get(name string, dst []float32) error {
	return r.transfer("get", name, dst, func(memory, data unsafe.Pointer, bytes C.size_t) C.int {
		return C.zos_device_read(data, memory, bytes)
	})
}

// Set copies src, which must have as many elements, to a parameter.
func (r *Resident) Set(name string, src []float32) error {
	return r.transfer("set", name, src, func(memory, data unsafe.Pointer, bytes C.size_t) C.int {
		return C.zos_device_write(memory, data, bytes)
	})
}

func (r *Resident) transfer(op, name string, data []float32, do func(memory, data unsafe.Pointer, bytes C.size_t) C.int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.open {
		return fmt.Errorf("%s %s: state %w", op, name, ErrClosed)
	}
	if err := r.fits(op, name, len(data)); err != nil || len(data) == 0 {
		return err
	}
	return onGPU(func() error {
		return cudaError(op+" "+name, do(r.values[name].memory, unsafe.Pointer(&data[0]), C.size_t(4*len(data))))
	})
}

// Params returns copies of all parameters, in the order of Names.
func (r *Resident) Params() ([]Param, error) { return r.params(r.Get) }

// WriteTo writes the state to w in the form of a checkpoint.
func (r *Resident) WriteTo(w io.Writer) (int64, error) { return r.write(w, r.Get) }

// Open makes a program on the state.
func (r *Resident) Open(model []byte, o Options) (Program, error) {
	p, err := NewReplay(r, model, o)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Close frees the state and closes its programs.
func (r *Resident) Close() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.open {
		return
	}
	for _, p := range slices.Collect(maps.Keys(r.replays)) {
		p.close()
	}
	_ = onGPU(func() error {
		for _, v := range r.values {
			if v.value != nil {
				C.zos_value_release(v.value)
			}
			C.zos_pool_free(v.memory)
		}
		return nil
	})
	r.open = false
	process.release("state")
}

// cudaError is an error of libcudart, or of the graphs of this package; nil for 0.
func cudaError(op string, code C.int) error {
	switch code {
	case 0:
		return nil
	case C.zos_graph_memory:
		return fmt.Errorf("%s: %w", op, ErrGPUMemory)
	}
	return fmt.Errorf("%s: %w", op, errors.New(C.GoString(C.zos_graph_message(code))))
}
