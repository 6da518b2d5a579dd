package ort

import (
	"runtime"
	"sync"

	"zos-ort/models/safe"
)

// gpu is the OS thread of all GPU sessions. The CUDA provider keeps handles of cuBLAS and cuDNN,
// with their device memory, for every calling thread (PerThreadContext in
// cuda_execution_provider.cc), and Go moves goroutines between threads.
var gpu struct {
	start sync.Once
	calls chan func() error // nil until OpenCUDA
	done  chan error
}

// startGPU starts the thread, which lasts as long as the process.
func startGPU() {
	gpu.start.Do(func() {
		gpu.calls, gpu.done = make(chan func() error), make(chan error)
		go func() {
			runtime.LockOSThread()
			for call := range gpu.calls {
				gpu.done <- safe.Call(call)
			}
		}()
	})
}

// onGPU calls f on the thread and waits for it. Calls run one after the other, as do the kernels,
// which share a stream.
func onGPU(f func() error) error {
	gpu.calls <- f
	return <-gpu.done
}
