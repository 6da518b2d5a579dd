package ort

// #include "api.h"
import "C"

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"unsafe"
)

// Step is a program with its tensors. It owns the binding and keeps the tensors' memory; its
// Trainer or Inference owns it.
type Step struct {
	owner   owner
	mu      sync.Mutex     // taken after the owner's lock
	binding *C.zos_binding // nil when closed
	tensors []*Tensor
	release func() // of what the owner keeps for the step; nil: nothing
}

// owner is what a step runs in: a Trainer or an Inference.
type owner interface {
	enter() error // locks against Close, unless it returns an error
	leave()
	exclude(*Step) // frees a step while none runs
	run(context.Context, *C.zos_binding) error
}

// bind makes a step. All inputs must be given; outputs may be left out. If every is set, the program
// returns them all the same.
func bind(inPorts, outPorts []Port, in, out map[string]*Tensor, every bool) (*Step, error) {
	st, inputs, outputs, err := hold(inPorts, outPorts, in, out)
	if err == nil {
		st.fill(inPorts, outPorts, inputs, outputs, every)
	}
	return st, err
}

// hold makes a step without a binding, which keeps its tensors. They are returned in the order of the
// ports; an output that is left out is nil.
func hold(inPorts, outPorts []Port, in, out map[string]*Tensor) (st *Step, inputs, outputs []*Tensor, err error) {
	if inputs, err = match("input", inPorts, in); err != nil {
		return nil, nil, nil, err
	}
	if outputs, err = match("output", outPorts, out); err != nil {
		return nil, nil, nil, err
	}
	for i, t := range inputs {
		if t == nil {
			return nil, nil, nil, fmt.Errorf("bind: %w: input %s is missing", ErrName, inPorts[i].Name)
		}
	}
	if err := distinct(in, out); err != nil {
		return nil, nil, nil, err
	}
	st = &Step{}
	for _, t := range slices.Concat(inputs, outputs) {
		if t != nil && !st.keep(t) {
			st.free()
			return nil, nil, nil, fmt.Errorf("bind: tensor %w", ErrClosed)
		}
	}
	return st, inputs, outputs, nil
}

// keep keeps a tensor's memory until the step is freed; it returns false for a closed tensor.
func (st *Step) keep(t *Tensor) bool {
	if !t.retain() {
		return false
	}
	st.tensors = append(st.tensors, t)
	return true
}

// fill passes the tensors to C. A training program returns all its outputs in every step; a model
// that only runs computes the bound outputs, or all if none is bound.
func (st *Step) fill(inPorts, outPorts []Port, inputs, outputs []*Tensor, every bool) {
	var wanted []int
	bound := slices.ContainsFunc(outputs, func(t *Tensor) bool { return t != nil })
	for i, t := range outputs {
		if every || t != nil || !bound {
			wanted = append(wanted, i)
		}
	}
	st.binding = C.zos_binding_new(C.size_t(len(inputs)), C.size_t(len(wanted)))
	for i, t := range inputs {
		st.input(i, inPorts[i].Name, t.value)
	}
	for i, at := range wanted {
		var value *C.OrtValue
		if t := outputs[at]; t != nil {
			value = t.value
		}
		st.output(i, outPorts[at].Name, value)
	}
}

func (st *Step) input(i int, name string, value *C.OrtValue) {
	cName := C.CString(name)
	defer C.zos_memory_free(unsafe.Pointer(cName))
	C.zos_binding_input(st.binding, C.size_t(i), cName, value)
}

func (st *Step) output(i int, name string, value *C.OrtValue) {
	cName := C.CString(name)
	defer C.zos_memory_free(unsafe.Pointer(cName))
	C.zos_binding_output(st.binding, C.size_t(i), cName, value)
}

// match puts tensors in the order of the ports and checks them.
func match(kind string, ports []Port, given map[string]*Tensor) ([]*Tensor, error) {
	list := make([]*Tensor, len(ports))
	found := 0
	for i, p := range ports {
		t, ok := given[p.Name]
		if !ok {
			continue
		}
		found++
		if t == nil {
			return nil, fmt.Errorf("bind: %s %s: no tensor", kind, p.Name)
		}
		if err := p.fits(t); err != nil {
			return nil, fmt.Errorf("bind: %s: %w", kind, err)
		}
		list[i] = t
	}
	if found == len(given) {
		return list, nil
	}
	known := names(ports)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("bind: %w: no %s %s, there are %v", ErrName, kind, name, known)
		}
	}
	return list, nil
}

// distinct refuses a tensor that something else uses while it is written.
func distinct(in, out map[string]*Tensor) error {
	users := map[*Tensor]string{}
	for name, t := range in {
		users[t] = name
	}
	for _, name := range slices.Sorted(maps.Keys(out)) {
		if other, ok := users[out[name]]; ok {
			return fmt.Errorf("bind: %w: %s and %s are one tensor", ErrInUse, name, other)
		}
		users[out[name]] = name
	}
	return nil
}

func names(ports []Port) []string {
	list := make([]string, len(ports))
	for i, p := range ports {
		list[i] = p.Name
	}
	return list
}

// Run runs the program once: it reads the current contents of the bound inputs and writes the bound
// outputs. It allocates nothing in Go.
func (st *Step) Run() error { return st.RunContext(context.Background()) }

// RunContext is Run that ends early, with the context's error, when the context ends. A Trainer's
// step is not interrupted, but does not start if the context has ended.
func (st *Step) RunContext(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := st.owner.enter(); err != nil {
		return err
	}
	defer st.owner.leave()
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.binding == nil {
		return errStepClosed
	}
	for _, t := range st.tensors {
		if t.closed.Load() {
			return errTensorClosed
		}
	}
	return st.owner.run(ctx, st.binding)
}

// Close frees the binding and releases the tensors.
func (st *Step) Close() {
	if st != nil {
		st.owner.exclude(st)
	}
}

// free is Close under the owner's lock.
func (st *Step) free() {
	for _, t := range st.tensors {
		t.drop()
	}
	st.tensors = nil
	if st.binding != nil {
		C.zos_binding_free(st.binding)
		st.binding = nil
	}
	if st.release != nil {
		st.release()
		st.release = nil
	}
}

var (
	errStepClosed   = fmt.Errorf("step: %w", ErrClosed)
	errTensorClosed = fmt.Errorf("step: bound tensor %w", ErrClosed)
)
