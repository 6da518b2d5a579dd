package ort

// #include "api.h"
// #include "hostpool.h"
import "C"

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// envAllocators is the setting of a session that uses the environment's allocators for its memory:
// on the host the pool of NewPool, the arena of NewArena or the ledger of NewLedger, on a GPU the pool of OpenCUDA.
const envAllocators = "session.use_env_allocators"

// Trim gives the system back what Go, the pool of NewPool and the allocator of the C library hold unused: above all what
// the making of models left, and what ONNX Runtime took to read them. It makes later allocations slower, so it belongs
// before a long run.
func Trim() {
	debug.FreeOSMemory()
	C.zos_trim()
	C.zos_host_trim()
}

// NewPool makes the process's pool of host memory, for sessions with Options.HostPool. It takes the place of the arena
// of NewArena, of which a process has one or none. The pool keeps freed memory for the next step, and no more of
// it than steps have had in use at once and a twelfth, unless small memory is scattered over it. It gives all back
// when the last session closes. Close the sessions that use it before release. A step for which there is no
// memory fails.
func NewPool() (release func(), err error) {
	return onlyArena("pool", func() *C.OrtStatus { return C.zos_host_register(process.env) },
		func() *C.OrtStatus { return C.zos_host_unregister(process.env) })
}

// HostStats are the counters of the pool of NewPool, in bytes.
type HostStats struct {
	InUse, Peak int64 // handed out now, and at most since nothing was in use at a Trim or the close of a session
	Resident    int64 // at most so much is in memory
	Held        int64 // addresses
}

// HostPool reads the counters of the pool of NewPool.
func HostPool() HostStats {
	s := C.zos_host_read()
	return HostStats{int64(s.in_use), int64(s.peak), int64(s.resident), int64(s.held)}
}

// NewArena makes the process's only shared arena of host memory, for sessions with
// Options.TightArena. A session's own arena hands out a free chunk of up to twice the requested
// size, and its statistics count all of that chunk. This arena splits every chunk, so it counts
// what programs need, in steps of 256 bytes. Its statistics start at zero. Close the sessions that
// use it before release.
func NewArena() (release func(), err error) {
	return onlyArena("arena", func() *C.OrtStatus { return C.zos_arena_register(process.env, process.memory) },
		func() *C.OrtStatus { return C.zos_arena_unregister(process.env, process.memory) })
}

// onlyArena makes a source of host memory of which there is one at a time: ONNX Runtime would replace the first one.
func onlyArena(name string, register, unregister func() *C.OrtStatus) (release func(), err error) {
	if err := process.acquireOnly("arena"); err != nil {
		return nil, fmt.Errorf("new %s: %w", name, err)
	}
	if err := check("new "+name, register()); err != nil {
		process.release("arena")
		return nil, err
	}
	return sync.OnceFunc(func() {
		_ = check("close "+name, unregister())
		process.release("arena")
	}), nil
}
