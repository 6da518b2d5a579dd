package ort

// #include "api.h"
import "C"

import (
	"fmt"
	"sync"
)

// envAllocators is the setting of a session that uses the environment's allocators for its memory:
// on the host the arena of NewArena or the ledger of NewLedger, on a GPU the pool of OpenCUDA.
const envAllocators = "session.use_env_allocators"

// Trim gives the system back what the allocator of the C library holds unused: above all what ONNX
// Runtime took to read models. It makes later allocations slower, so it belongs before a long run.
func Trim() { C.zos_trim() }

// NewArena makes the process's only shared arena of host memory, for sessions with
// Options.TightArena. A session's own arena hands out a free chunk of up to twice the requested
// size, and its statistics count all of that chunk. This arena splits every chunk, so it counts
// what programs need, in steps of 256 bytes. Its statistics start at zero. Close the sessions that
// use it before release.
func NewArena() (release func(), err error) {
	if err := process.acquireOnly("arena"); err != nil { // ONNX Runtime would replace the first one
		return nil, fmt.Errorf("new arena: %w", err)
	}
	if err := check("new arena", C.zos_arena_register(process.env, process.memory)); err != nil {
		process.release("arena")
		return nil, err
	}
	return sync.OnceFunc(func() {
		_ = check("close arena", C.zos_arena_unregister(process.env, process.memory))
		process.release("arena")
	}), nil
}
