package ort

// #include "api.h"
import "C"

import (
	"errors"
	"fmt"
	"strconv"
	"time"
	"unsafe"
)

// ErrNoStats is the error for an allocator that does not count: the host's, without its arena.
var ErrNoStats = errors.New("the allocator keeps no statistics")

// AllocatorStats holds an arena's counts since its session was made, in bytes.
type AllocatorStats struct {
	InUse          int64 // handed out now
	MaxInUse       int64 // most handed out at once
	MaxAllocSize   int64 // the largest single request
	TotalAllocated int64 // taken from the system
	Allocations    int64 // number of requests
}

// Stats reads the statistics of the session's arena on a device: "Cpu" (with Options.CPUArena) or
// "Cuda". A training session has none: to measure a program, run it in an Inference.
func (n *Inference) Stats(device string) (AllocatorStats, error) {
	var stats AllocatorStats
	if err := n.enter(); err != nil {
		return stats, err
	}
	defer n.leave()
	name := C.CString(device)
	defer C.zos_memory_free(unsafe.Pointer(name))
	var pairs *C.OrtKeyValuePairs
	if err := check("statistics", C.zos_stats(n.handle, name, 0, &pairs)); err != nil {
		return stats, err
	}
	defer C.zos_pairs_release(pairs)
	var keys, values **C.char
	var count C.size_t
	C.zos_pairs(pairs, &keys, &values, &count)
	fields := map[string]*int64{"InUse": &stats.InUse, "MaxInUse": &stats.MaxInUse,
		"MaxAllocSize": &stats.MaxAllocSize, "TotalAllocated": &stats.TotalAllocated,
		"NumAllocs": &stats.Allocations}
	found := 0
	for i := range int(count) {
		key := C.GoString(unsafe.Slice(keys, count)[i])
		to, ok := fields[key]
		if !ok {
			continue
		}
		v, err := strconv.ParseInt(C.GoString(unsafe.Slice(values, count)[i]), 10, 64)
		if err != nil {
			return stats, fmt.Errorf("statistics: %s: %w", key, err)
		}
		*to = v
		found++
	}
	if found < len(fields) {
		return stats, fmt.Errorf("statistics of %s: %w", device, ErrNoStats)
	}
	return stats, nil
}

// ProfilingStart is the time from which the profile of the session counts (Options.Profile).
func (n *Inference) ProfilingStart() (time.Time, error) {
	if err := n.enter(); err != nil {
		return time.Time{}, err
	}
	defer n.leave()
	var ns C.uint64_t
	err := check("profile", C.zos_profiling_start(n.handle, &ns))
	return time.Unix(0, int64(ns)), err
}
