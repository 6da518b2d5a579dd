package ort

import (
	"bytes"
	"fmt"
	"io"
	"slices"
)

// Store is a set of named float tensors that live in the runtime or on a GPU, and that programs read and
// write: a State, or a Resident.
type Store interface {
	// Get copies a parameter to dst, Set src to a parameter. Both have as many elements.
	Get(name string, dst []float32) error
	Set(name string, src []float32) error
	WriteTo(w io.Writer) (int64, error) // in the form of ONNX Runtime's checkpoints
	Open(model []byte, o Options) (Program, error)
	Close() // also what was opened
}

// Program is a program on a Store: a Trainer, or a Replay.
type Program interface {
	Bind(inputs, outputs map[string]*Tensor) (*Step, error)
	Close()
}

// NewStore makes a store of the given parameters for sessions with these options, and copies the data.
func NewStore(params []Param, o Options) (Store, error) {
	if o.CUDA != nil && o.CUDA.Graphs {
		r, err := NewResident(params)
		if err != nil {
			return nil, err
		}
		return r, nil
	}
	s, err := NewState(params)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// layout is what a store holds.
type layout struct {
	shapes map[string][]int
	names  []string // sorted
}

func layoutOf(params []Param) layout {
	l := layout{shapes: map[string][]int{}}
	for _, p := range params {
		l.names = append(l.names, p.Name)
		l.shapes[p.Name] = slices.Clone(p.Shape)
	}
	slices.Sort(l.names)
	return l
}

// Names returns the names of the parameters, sorted: ONNX Runtime keeps no order.
func (l layout) Names() []string { return slices.Clone(l.names) }

// Shape returns the shape of a parameter; ok is false if the name is unknown.
func (l layout) Shape(name string) (shape []int, ok bool) {
	shape, ok = l.shapes[name]
	return slices.Clone(shape), ok
}

// fits refuses to copy n numbers from or to a parameter that is not there, or has another number of them.
func (l layout) fits(op, name string, n int) error {
	shape, ok := l.shapes[name]
	if !ok {
		return fmt.Errorf("%s: %w: %s is no parameter", op, ErrName, name)
	}
	if want, _ := elements(shape); want != n {
		return fmt.Errorf("%s %s: %w: %v has %d elements, the slice %d", op, name, ErrShape, shape, want, n)
	}
	return nil
}

// params copies all parameters, in the order of Names.
func (l layout) params(get func(string, []float32) error) ([]Param, error) {
	params := make([]Param, len(l.names))
	for i, name := range l.names {
		n, _ := elements(l.shapes[name])
		params[i] = Param{Name: name, Shape: slices.Clone(l.shapes[name]), Data: make([]float32, n)}
		if err := get(name, params[i].Data); err != nil {
			return nil, err
		}
	}
	return params, nil
}

func (l layout) write(w io.Writer, get func(string, []float32) error) (int64, error) {
	params, err := l.params(get)
	if err != nil {
		return 0, err
	}
	b, err := encodeCheckpoint(params)
	if err != nil {
		return 0, err
	}
	return io.Copy(w, bytes.NewReader(b))
}
