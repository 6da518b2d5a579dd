package ort

// #include "api.h"
import "C"

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// DType is the type of the elements of a tensor, with ONNX's TensorProto code.
type DType int32

// Element types of this package.
const (
	Float   DType = 1
	Uint8   DType = 2
	Int32   DType = 6
	Int64   DType = 7
	Bool    DType = 9
	Float16 DType = 10
	Double  DType = 11
)

var dtypes = map[DType]struct {
	name string
	size int
}{Float: {"float", 4}, Uint8: {"uint8", 1}, Int32: {"int32", 4}, Int64: {"int64", 8},
	Bool: {"bool", 1}, Float16: {"float16", 2}, Double: {"double", 8}}

func (d DType) String() string {
	if t, ok := dtypes[d]; ok {
		return t.name
	}
	return fmt.Sprintf("dtype %d", int32(d))
}

// Tensor is a dense tensor in host memory, row-major. It owns the memory and the OrtValue over it.
// Close frees both, immediately or when the last Step bound to the tensor is closed.
type Tensor struct {
	dtype  DType
	shape  []int
	count  int
	data   unsafe.Pointer
	value  *C.OrtValue
	owned  bool // data came from zos_memory; else it belongs to value
	closed atomic.Bool

	mu   sync.Mutex
	refs int // 1 until closed, plus 1 per use in a Step
}

// NewTensor allocates a zeroed tensor of the given shape; no dimension makes a scalar.
func NewTensor(dtype DType, shape ...int) (*Tensor, error) {
	t, ok := dtypes[dtype]
	if !ok {
		return nil, fmt.Errorf("new tensor: %w: %v", ErrType, dtype)
	}
	count, err := elements(shape)
	if err != nil {
		return nil, fmt.Errorf("new tensor: %w", err)
	}
	if err := process.acquire("tensor"); err != nil {
		return nil, err
	}
	bytes := C.size_t(count * t.size)
	data := C.zos_memory(bytes)
	if data == nil {
		process.release("tensor")
		return nil, fmt.Errorf("new tensor: out of memory: %d bytes", bytes)
	}
	var value *C.OrtValue
	dims, rank := cDims(shape)
	err = check("new tensor", C.zos_value_create(process.memory, data, bytes, dims, rank,
		C.int(dtype), &value))
	if err != nil {
		C.zos_memory_free(data)
		process.release("tensor")
		return nil, err
	}
	return &Tensor{dtype: dtype, shape: slices.Clone(shape), count: count, data: data,
		value: value, owned: true, refs: 1}, nil
}

// Of copies data into a new tensor of the given shape; no dimension makes a scalar.
func Of[T float32 | float64 | uint8 | int32 | int64 | bool](data []T, shape ...int) (*Tensor,
	error) {
	var dtype DType
	switch any(data).(type) {
	case []float32:
		dtype = Float
	case []float64:
		dtype = Double
	case []uint8:
		dtype = Uint8
	case []int32:
		dtype = Int32
	case []int64:
		dtype = Int64
	case []bool:
		dtype = Bool
	}
	if n, err := elements(shape); err != nil || n != len(data) {
		return nil, fmt.Errorf("new tensor: %w: shape %v has %d elements, the data %d", ErrShape,
			shape, n, len(data))
	}
	t, err := NewTensor(dtype, shape...)
	if err == nil {
		copy(view[T](t, dtype), data)
	}
	return t, err
}

// fromValue wraps an output that ONNX Runtime allocated and takes ownership of it, even on error.
func fromValue(value *C.OrtValue) (*Tensor, error) {
	var dtype C.int
	var dims [8]C.int64_t
	var rank C.size_t
	t := &Tensor{value: value, refs: 1}
	err := check("read output", C.zos_value_describe(value, &dtype, &dims[0], &rank, &t.data))
	if err == nil && int(rank) > len(dims) {
		err = fmt.Errorf("read output: %w: %d dimensions, at most 8", ErrShape, rank)
	}
	if _, ok := dtypes[DType(dtype)]; err == nil && !ok {
		err = fmt.Errorf("read output: %w: %v", ErrType, DType(dtype))
	}
	if err == nil {
		err = process.acquire("tensor")
	}
	if err != nil {
		C.zos_value_release(value)
		return nil, err
	}
	t.dtype, t.shape, t.count = DType(dtype), make([]int, rank), 1
	for i := range t.shape {
		t.shape[i] = int(dims[i])
		t.count *= t.shape[i]
	}
	return t, nil
}

// elements is the number of elements of a shape.
func elements(shape []int) (int, error) {
	n := 1
	for _, d := range shape {
		if d < 0 || (d > 0 && n > (1<<40)/d) {
			return 0, fmt.Errorf("%w: %v", ErrShape, shape)
		}
		n *= d
	}
	return n, nil
}

// cDims passes a shape to C; the pointer is valid while the slice that it points into is reachable.
func cDims(shape []int) (*C.int64_t, C.size_t) {
	dims := make([]C.int64_t, len(shape)+1)
	for i, d := range shape {
		dims[i] = C.int64_t(d)
	}
	return &dims[0], C.size_t(len(shape))
}

// DType returns the element type.
func (t *Tensor) DType() DType { return t.dtype }

// Shape returns the shape, empty for a scalar.
func (t *Tensor) Shape() []int { return slices.Clone(t.shape) }

// Len returns the number of elements.
func (t *Tensor) Len() int { return t.count }

// bytes is the size of the memory.
func (t *Tensor) bytes() C.size_t { return C.size_t(t.count * dtypes[t.dtype].size) }

// view returns the memory itself, or nil if the tensor is closed or has another type.
func view[T any](t *Tensor, dtype DType) []T {
	if t.closed.Load() || t.dtype != dtype {
		return nil
	}
	return unsafe.Slice((*T)(t.data), t.count)
}

// Float32 returns the memory of a Float tensor: it is not a copy, and is valid until Close. Like
// the other views, it is nil for a tensor of another type and for a closed tensor.
func (t *Tensor) Float32() []float32 { return view[float32](t, Float) }

// Float64 returns the memory of a Double tensor.
func (t *Tensor) Float64() []float64 { return view[float64](t, Double) }

// Int64 returns the memory of an Int64 tensor.
func (t *Tensor) Int64() []int64 { return view[int64](t, Int64) }

// Int32 returns the memory of an Int32 tensor.
func (t *Tensor) Int32() []int32 { return view[int32](t, Int32) }

// Uint8 returns the memory of a Uint8 tensor.
func (t *Tensor) Uint8() []uint8 { return view[uint8](t, Uint8) }

// Bools returns the memory of a Bool tensor.
func (t *Tensor) Bools() []bool { return view[bool](t, Bool) }

// Float16 returns the memory of a Float16 tensor, as bits (IEEE 754 binary16).
func (t *Tensor) Float16() []uint16 { return view[uint16](t, Float16) }

// Close frees the tensor. Its views must not be used afterwards.
func (t *Tensor) Close() {
	if t != nil && !t.closed.Swap(true) {
		t.drop()
	}
}

// retain keeps the memory for a Step; it returns false for a closed tensor.
func (t *Tensor) retain() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refs == 0 || t.closed.Load() {
		return false
	}
	t.refs++
	return true
}

func (t *Tensor) drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refs--; t.refs > 0 {
		return
	}
	C.zos_value_release(t.value)
	if t.owned {
		C.zos_memory_free(t.data)
	}
	t.value, t.data = nil, nil
	process.release("tensor")
}
