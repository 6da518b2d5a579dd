package ort

// #cgo linux LDFLAGS: -ldl
// #cgo CFLAGS: -O2 -std=gnu11 -Wall
// #include "cuda.h"
import "C"

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"unsafe"

	onnx "github.com/yalue/onnxruntime_go"
)

// environment is the process's only environment: ONNX Runtime counts its references, and
// onnxruntime_go holds another one.
type environment struct {
	mu     sync.Mutex
	open   bool
	path   string
	lib    C.zos_library
	env    *C.OrtEnv
	memory *C.OrtMemoryInfo // of host memory
	alloc  *C.OrtAllocator  // of host memory; ONNX Runtime's own, never released
	shared bool             // someone else initialised onnxruntime_go
	live   map[string]int   // open objects by kind
}

var process = environment{live: map[string]int{}}

// Open loads the ONNX Runtime library at path ("" for the open one, else the one that Locate finds)
// and creates the environment. Opening the library that is open is not an error; opening another
// library returns ErrInUse.
func Open(path string) error {
	if path == "" && opened() {
		return nil
	}
	if path == "" {
		found, err := Locate()
		if err != nil {
			return err
		}
		path = found
	}
	e := &process
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open {
		if path == e.path {
			return nil
		}
		return fmt.Errorf("open %s: %w: %s is open", path, ErrInUse, e.path)
	}
	lib, err := load(path)
	if err != nil {
		C.zos_unload(&lib)
		return err
	}
	e.path, e.lib = path, lib
	C.zos_use(&e.lib)
	if err := e.start(); err != nil {
		e.stop()
		return err
	}
	e.open = true
	return nil
}

func opened() bool {
	process.mu.Lock()
	defer process.mu.Unlock()
	return process.open
}

// load opens a library and reports precisely what is wrong with it. The caller unloads it.
func load(path string) (C.zos_library, error) {
	var lib C.zos_library
	cPath := C.CString(path)
	defer C.zos_memory_free(unsafe.Pointer(cPath))
	var message [512]C.char
	outcome := C.zos_load(cPath, &lib, &message[0], C.size_t(len(message)))
	version := ""
	if lib.version != nil {
		version = C.GoString(lib.version)
	}
	switch outcome {
	case C.zos_no_file:
		return lib, fmt.Errorf("open %s: %w: %s", path, ErrNotRuntime, C.GoString(&message[0]))
	case C.zos_no_base:
		return lib, fmt.Errorf("open %s: %w: it has no OrtGetApiBase", path, ErrNotRuntime)
	case C.zos_no_api:
		return lib, fmt.Errorf("open %s: %w: this is %s, without API %d", path, ErrVersion, version,
			C.ZOS_API_VERSION)
	case C.zos_no_training:
		return lib, fmt.Errorf("open %s: %w (version %s)", path, ErrNoTraining, version)
	}
	return lib, nil
}

// start creates the environment, through onnxruntime_go first, so that both share it.
func (e *environment) start() error {
	e.shared = onnx.IsInitialized()
	if !e.shared {
		onnx.SetSharedLibraryPath(e.path)
		if err := onnx.InitializeEnvironment(onnx.WithLogLevelError()); err != nil {
			e.shared = true // nothing to destroy
			return fmt.Errorf("open %s: %w", e.path, err)
		}
	}
	if err := check("create environment", C.zos_env_create(&e.env)); err != nil {
		return err
	}
	name := C.CString("Cpu")
	defer C.zos_memory_free(unsafe.Pointer(name))
	if err := check("describe memory", C.zos_memory_info(name, 0, &e.memory)); err != nil {
		return err
	}
	return check("find allocator", C.zos_default_allocator(&e.alloc))
}

// stop releases what start created. The library stays loaded: its threads and static objects may
// outlive the environment, and loading it again is then free.
func (e *environment) stop() error {
	if e.memory != nil {
		C.zos_memory_info_release(e.memory)
	}
	if e.env != nil {
		_ = check("release the memory pool", C.zos_pool_unregister(e.env))
		C.zos_env_release(e.env)
	}
	e.memory, e.env, e.alloc, e.open, e.path = nil, nil, nil, false, ""
	if e.shared {
		return nil
	}
	return onnx.DestroyEnvironment()
}

// Close releases the environment. While tensors, states or sessions are open, it returns ErrInUse
// and changes nothing. Closing an environment that is not open is not an error.
func Close() error {
	e := &process
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.open {
		return nil
	}
	for _, kind := range slices.Sorted(maps.Keys(e.live)) {
		if n := e.live[kind]; n > 0 {
			return fmt.Errorf("close runtime: %w: %d %s(s) still open", ErrInUse, n, kind)
		}
	}
	return e.stop()
}

// acquire counts an object that needs the environment; release uncounts it.
func (e *environment) acquire(kind string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.open {
		return fmt.Errorf("new %s: %w", kind, ErrNotOpen)
	}
	e.live[kind]++
	return nil
}

// acquireOnly is acquire for a kind of which there is one at a time.
func (e *environment) acquireOnly(kind string) error {
	if err := e.acquire(kind); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.live[kind] > 1 {
		e.live[kind]--
		return fmt.Errorf("%w: there is one", ErrInUse)
	}
	return nil
}

func (e *environment) release(kind string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.live[kind]--
}
