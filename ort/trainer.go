package ort

// #include "api.h"
// #include "hostpool.h"
import "C"

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"unsafe"
)

// lazyReset is the input that ONNX Runtime's TrainStep adds to every step.
const lazyReset = "lazy_reset_grad"

// Trainer is a program over a shared State. It owns its OrtTrainingSession and the Steps bound to
// it; its State owns it.
type Trainer struct {
	state   *State
	session *C.OrtTrainingSession // nil when closed
	inputs  []Port                // without the parameters
	outputs []Port
	steps   map[*Step]bool
	domains func() // releases the domains
}

// NewTrainer makes a program from an ONNX model (see the package comment). It does not keep the
// bytes.
func NewTrainer(s *State, model []byte, o Options) (*Trainer, error) {
	return newTrainer(s, Artifacts{Train: model}, o)
}

func newTrainer(s *State, a Artifacts, o Options) (*Trainer, error) {
	if len(a.Train) == 0 {
		return nil, fmt.Errorf("create trainer: %w: it is empty", ErrModel)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return nil, fmt.Errorf("create trainer: state %w", ErrClosed)
	}
	if err := process.acquire("trainer"); err != nil {
		return nil, err
	}
	release, err := retainAll(o.Domains)
	if err != nil {
		process.release("trainer")
		return nil, err
	}
	t := &Trainer{state: s, steps: map[*Step]bool{}, domains: release}
	if err := t.create(a, o); err != nil {
		t.close()
		return nil, o.dump(a.Train, err)
	}
	s.trainers[t] = true
	return t, nil
}

func (t *Trainer) create(a Artifacts, o Options) error {
	options, handle, err := o.build()
	if err != nil {
		return err
	}
	defer options.Destroy()
	s := t.state
	s.copies, s.providers, s.cuda = false, o.Providers, o.CUDA
	err = introduced(o.Domains, func() error {
		return check("create trainer", C.zos_trainer_create(process.env, handle, s.state,
			bytesOf(a.Train), bytesOf(a.Eval), bytesOf(a.Optimizer), &t.session))
	})
	if err != nil {
		t.session = nil
		return err
	}
	s.copies = true
	inputs, outputs, err := ports(a.Train)
	if err != nil {
		return err
	}
	reset := slices.IndexFunc(inputs, func(p Port) bool { return p.Name == lazyReset })
	if reset < 0 || inputs[reset].DType != Bool {
		return fmt.Errorf("create trainer: %w: it has no boolean input %s", ErrModel, lazyReset)
	}
	if t.inputs, err = t.named(false, inputs); err != nil {
		return err
	}
	t.outputs, err = t.named(true, outputs)
	return err
}

// bytesOf passes a model to C for the duration of a call; an empty model is left out.
func bytesOf(model []byte) C.zos_bytes {
	return C.zos_bytes{data: unsafe.Pointer(unsafe.SliceData(model)), size: C.size_t(len(model))}
}

// named returns the inputs or outputs in ONNX Runtime's order: the order of the model, without the
// parameters and gradient buffers.
func (t *Trainer) named(output bool, all []Port) ([]Port, error) {
	var n C.size_t
	if err := check("count ports", C.zos_trainer_count(t.session, C.bool(output), &n)); err != nil {
		return nil, err
	}
	var list []Port
	for i := range n {
		var cName *C.char
		err := check("name port", C.zos_trainer_name(t.session, C.bool(output), i, process.alloc,
			&cName))
		if err != nil {
			return nil, err
		}
		name := C.GoString(cName)
		if err := check("free", C.zos_allocator_free(process.alloc, unsafe.Pointer(cName))); err != nil {
			return nil, err
		}
		at := slices.IndexFunc(all, func(p Port) bool { return p.Name == name })
		if at < 0 {
			return nil, fmt.Errorf("create trainer: %w: the model has no %s", ErrName, name)
		}
		list = append(list, all[at])
	}
	return list, nil
}

// Inputs returns the inputs of the program other than parameters, in order.
func (t *Trainer) Inputs() []Port { return slices.Clone(t.inputs) }

// Outputs returns the outputs of the program, in order.
func (t *Trainer) Outputs() []Port { return slices.Clone(t.outputs) }

// InputNames returns the names of Inputs.
func (t *Trainer) InputNames() []string { return names(t.inputs) }

// OutputNames returns the names of Outputs.
func (t *Trainer) OutputNames() []string { return names(t.outputs) }

// Bind fixes the tensors that a step reads and writes: every input, and the wanted outputs. Bind
// checks names, types and fixed dimensions; the step checks the rest.
func (t *Trainer) Bind(inputs, outputs map[string]*Tensor) (*Step, error) {
	st, err := bind(t.inputs, t.outputs, inputs, outputs, true)
	if err != nil {
		return nil, err
	}
	return t.own(st, t)
}

// own registers a new step.
func (t *Trainer) own(st *Step, by owner) (*Step, error) {
	st.owner = by
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	if t.session == nil {
		st.free()
		return nil, fmt.Errorf("bind: trainer %w", ErrClosed)
	}
	t.steps[st] = true
	return st, nil
}

// Close frees the session and closes its steps. The state stays.
func (t *Trainer) Close() {
	if t == nil {
		return
	}
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	t.close()
}

// close is Close under the lock of the state; it also frees what create left half-made.
func (t *Trainer) close() {
	if t.domains == nil {
		return
	}
	for st := range maps.Clone(t.steps) {
		st.free()
	}
	if t.session != nil {
		C.zos_trainer_release(t.session)
		t.session, t.state.copies = nil, false
	}
	t.domains()
	C.zos_host_trim_idle()
	t.domains, t.steps = nil, nil
	delete(t.state.trainers, t)
	process.release("trainer")
}

// enter, leave, exclude, run and cancellable make a Trainer an owner of steps. A step writes the
// state, so all steps of one state exclude each other.
func (t *Trainer) enter() error {
	t.state.mu.Lock()
	if t.session == nil {
		t.state.mu.Unlock()
		return errTrainerClosed
	}
	return nil
}

func (t *Trainer) leave() { t.state.mu.Unlock() }

func (t *Trainer) exclude(st *Step) {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	st.free()
	delete(t.steps, st)
}

// run ignores cancellation, because TrainStep ignores its run options (training_api/module.cc).
func (t *Trainer) run(_ context.Context, b *C.zos_binding) error {
	if t.state.cuda != nil {
		return onGPU(func() error { return check("step", C.zos_train_step(t.session, b)) })
	}
	return check("step", C.zos_train_step(t.session, b))
}

var errTrainerClosed = fmt.Errorf("step: trainer %w", ErrClosed)
