package ort

// #include "api.h"
import "C"

import (
	"fmt"
	"io"
	"maps"
	"os"
	"sync"
	"unsafe"

	onnx "github.com/yalue/onnxruntime_go"

	"zos-ort/models/file"
)

// State is a set of named float tensors that live in the runtime. It owns an OrtCheckpointState and
// the Trainers made from it, all of which read and write the same tensors.
type State struct {
	mu    sync.Mutex
	state *C.OrtCheckpointState // nil when closed
	layout
	trainers map[*Trainer]bool

	// ONNX Runtime copies parameters with the data transfer of the most recent session, and
	// forgets that transfer when any session of the state is destroyed. After a session that
	// failed half-made, ONNX Runtime may even point to a dead transfer
	// (orttraining/training_api/module.cc). copies says that the transfer is good. If it is
	// not, State makes the keeper again: a session of an empty program.
	copies    bool
	keeper    *C.OrtTrainingSession
	providers func(*onnx.SessionOptions) error // of the last trainer: they know its devices
	cuda      *CUDA                            // of the last trainer
}

// NewState makes a state of the given parameters and copies the data.
func NewState(params []Param) (*State, error) {
	b, err := encodeCheckpoint(params)
	if err != nil {
		return nil, err
	}
	return newState(b, params)
}

// LoadState makes a state from a checkpoint file.
func LoadState(path string) (*State, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load state: %w", err)
	}
	params, err := decodeCheckpoint(b)
	if err != nil {
		return nil, fmt.Errorf("load state %s: %w", path, err)
	}
	return newState(b, params)
}

func newState(b []byte, params []Param) (*State, error) {
	if err := process.acquire("state"); err != nil {
		return nil, err
	}
	s := &State{layout: layoutOf(params), trainers: map[*Trainer]bool{}}
	err := check("new state",
		C.zos_state_load(unsafe.Pointer(&b[0]), C.size_t(len(b)), &s.state))
	if err != nil {
		process.release("state")
		return nil, err
	}
	return s, nil
}

// Get copies a parameter to dst, which must have as many elements.
func (s *State) Get(name string, dst []float32) error {
	get := func(cName *C.char, data unsafe.Pointer, bytes C.size_t) error {
		return check("get "+name, C.zos_state_get(s.state, cName, process.alloc, data, bytes))
	}
	return s.transfer("get", name, dst, get)
}

// Set copies src, which must have as many elements, to a parameter.
func (s *State) Set(name string, src []float32) error {
	set := func(cName *C.char, data unsafe.Pointer, bytes C.size_t) error {
		dims, rank := cDims(s.shapes[name])
		return check("set "+name, C.zos_state_set(s.state, cName, process.memory, data, bytes,
			dims, rank, C.int(Float)))
	}
	return s.transfer("set", name, src, set)
}

// transfer does what Get and Set have in common. It uses the slice's memory during the call only; C
// never keeps it.
func (s *State) transfer(op, name string, data []float32,
	do func(*C.char, unsafe.Pointer, C.size_t) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return fmt.Errorf("%s %s: state %w", op, name, ErrClosed)
	}
	if err := s.fits(op, name, len(data)); err != nil || len(data) == 0 {
		return err
	}
	if err := s.ready(); err != nil {
		return err
	}
	cName := C.CString(name)
	defer C.zos_memory_free(unsafe.Pointer(cName))
	return do(cName, unsafe.Pointer(&data[0]), C.size_t(4*len(data)))
}

// Save writes the state to a checkpoint file. It writes a temporary name in the same folder, fsyncs
// and renames it, so that path is at any moment the whole old file or the whole new one.
func (s *State) Save(path string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return fmt.Errorf("save %s: state %w", path, ErrClosed)
	}
	if err := s.ready(); err != nil {
		return err
	}
	f, err := file.Create(path)
	if err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	defer f.Cleanup()
	// ONNX Runtime opens the temporary file itself, by name, and truncates it: it is the same
	// inode.
	cPath := C.CString(f.Name())
	defer C.zos_memory_free(unsafe.Pointer(cPath))
	if err := check("save "+path, C.zos_state_save(s.state, cPath)); err != nil {
		return err
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	return nil
}

// Params returns copies of all parameters, in the order of Names.
func (s *State) Params() ([]Param, error) { return s.params(s.Get) }

// WriteTo writes the state to w in the form of a file from Save.
func (s *State) WriteTo(w io.Writer) (int64, error) { return s.write(w, s.Get) }

// Open makes a program on the state.
func (s *State) Open(model []byte, o Options) (Program, error) {
	t, err := NewTrainer(s, model, o)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Close frees the state and closes its trainers.
func (s *State) Close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return
	}
	for t := range maps.Clone(s.trainers) {
		t.close()
	}
	s.dropKeeper()
	C.zos_state_release(s.state)
	s.state = nil
	process.release("state")
}
