package ort

// #include "api.h"
import "C"

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	onnx "github.com/yalue/onnxruntime_go"

	"zos-ort/models/file"
)

// Level says how far ONNX Runtime rewrites a graph before running it.
type Level int

// The levels, with ONNX Runtime's numbers.
const (
	Off      Level = 0
	Basic    Level = 1
	Extended Level = 2
	All      Level = 99
)

// LogLevel is the least severity that a session logs to standard error. The zero value is LogFatal:
// failures are returned as errors, with the same words.
type LogLevel int

// The severities.
const (
	LogFatal LogLevel = iota
	LogError
	LogWarning
	LogInfo
	LogVerbose
)

// severity returns ONNX Runtime's number, from 0 for verbose to 4 for fatal.
func (l LogLevel) severity() onnx.LoggingLevel {
	return onnx.LoggingLevel(onnx.LoggingLevelFatal) - onnx.LoggingLevel(l)
}

// Options are the settings of a session. The zero value is frugal: no graph rewriting, no memory
// pattern and no arena.
type Options struct {
	Threads       int               // per operator; 0: one per core
	InterThreads  int               // operators at a time; 0 or 1: one after the other
	Optimization  Level             // graph rewriting
	MemPattern    bool              // plan a memory block for the whole run
	CPUArena      bool              // keep freed host memory for the next run
	TightArena    bool              // take host memory from the arena of NewArena
	HostPool      bool              // take host memory from the pool of NewPool
	Ledger        bool              // take host memory from the ledger of NewLedger
	Log           LogLevel          // to standard error
	Profile       string            // prefix of the profile written on close; "": none
	ConfigEntries map[string]string // ONNX Runtime's session.* settings
	Dump          string            // folder for models that fail to make a session
	Domains       []*Domain         // custom operators
	CUDA          *CUDA             // run only on a GPU; after OpenCUDA
	// Providers appends execution providers, in order of preference; nil means CPU only.
	Providers func(*onnx.SessionOptions) error
}

// noFallback makes a node without a kernel on the chosen provider an error.
const noFallback = "session.disable_cpu_ep_fallback"

// build makes session options; the caller destroys them.
func (o Options) build() (*onnx.SessionOptions, *C.OrtSessionOptions, error) {
	so, err := onnx.NewSessionOptions()
	if err != nil {
		return nil, nil, fmt.Errorf("session options: %w", err)
	}
	handle, err := optionsHandle(so)
	if err == nil {
		err = o.apply(so, handle)
	}
	if err != nil {
		so.Destroy()
		return nil, nil, fmt.Errorf("session options: %w", err)
	}
	return so, handle, nil
}

func (o Options) apply(so *onnx.SessionOptions, handle *C.OrtSessionOptions) error {
	if o.Threads < 0 || o.InterThreads < 0 {
		return fmt.Errorf("%d threads, %d inter-op threads: at least 0", o.Threads, o.InterThreads)
	}
	settings := []func() error{
		func() error { return so.SetIntraOpNumThreads(o.Threads) },
		func() error { return so.SetInterOpNumThreads(max(1, o.InterThreads)) },
		func() error {
			return so.SetGraphOptimizationLevel(onnx.GraphOptimizationLevel(o.Optimization))
		},
		func() error { return so.SetMemPattern(o.MemPattern) },
		func() error { return so.SetCpuMemArena(o.CPUArena) },
		func() error { return so.SetLogSeverityLevel(o.Log.severity()) },
	}
	if o.InterThreads > 1 {
		settings = append(settings, func() error {
			return so.SetExecutionMode(onnx.ExecutionModeParallel)
		})
	}
	if o.Profile != "" {
		settings = append(settings, func() error { return so.EnableProfiling(o.Profile) })
	}
	if o.CUDA != nil {
		settings = append(settings, func() error { return o.CUDA.append(so) },
			func() error { return so.AddSessionConfigEntry(noFallback, "1") })
	}
	if o.TightArena || o.HostPool || o.Ledger || o.CUDA != nil {
		settings = append(settings, func() error { return so.AddSessionConfigEntry(envAllocators, "1") })
	}
	for _, key := range slices.Sorted(maps.Keys(o.ConfigEntries)) {
		settings = append(settings, func() error {
			return so.AddSessionConfigEntry(key, o.ConfigEntries[key])
		})
	}
	if o.Providers != nil {
		settings = append(settings, func() error { return o.Providers(so) })
	}
	for _, d := range o.Domains {
		settings = append(settings, func() error { return d.register(handle) })
	}
	for _, set := range settings {
		if err := set(); err != nil {
			return err
		}
	}
	return nil
}

// dump saves a model that failed to make a session, if requested, and completes the error. The name
// is a digest of the bytes: the same failure gives the same file.
func (o Options) dump(model []byte, err error) error {
	if o.Dump == "" {
		return err
	}
	sum := sha256.Sum256(model)
	path := filepath.Join(o.Dump, fmt.Sprintf("failed-%x.onnx", sum[:4]))
	saved := os.MkdirAll(o.Dump, 0o755)
	if saved == nil {
		saved = file.Write(path, model, 0o644)
	}
	if saved != nil {
		return fmt.Errorf("%w (and the model could not be saved: %v)", err, saved)
	}
	if e, ok := err.(*Error); ok {
		e.Dump = path
		return e
	}
	return fmt.Errorf("%w (the model is in %s)", err, path)
}
