package kernels

// #include <stddef.h>
// double zos_busy(size_t steps, float *sink);
// void zos_triad(float *y, const float *x, const float *add, size_t n);
// const char *zos_level(void);
import "C"

import (
	"time"

	"zos-ort/models/safe"
)

// Level names the instruction set that the kernels use on this processor.
func Level() string { return C.GoString(C.zos_level()) }

// Limits are the peak speeds of a number of threads, with the vectors that the kernels use.
type Limits struct {
	Threads int     `json:"threads"`
	GFlops  float64 `json:"gflops"`    // 10^9 additions and multiplications a second, in registers
	Memory  float64 `json:"memory_gb"` // 10^9 bytes a second, y = w x + z on arrays larger than caches
	Cache   float64 `json:"cache_gb"`  // the same on arrays that stay in the caches of a core
}

// Sizes of a measurement: floats in all arrays of a kind together, and in those of one thread.
const (
	memoryFloats = 1 << 24
	cacheFloats  = 1 << 15
	attempts     = 8 // the fastest of them counts
	busySteps    = 1 << 20
)

// MeasureLimits measures the limits in about a second.
func MeasureLimits(threads int) (Limits, error) {
	l := Limits{Threads: threads}
	var err error
	if l.Memory, err = triad(threads, memoryFloats/threads, 1); err != nil {
		return l, err
	}
	if l.Cache, err = triad(threads, cacheFloats, 500); err != nil {
		return l, err
	}
	operations := make([]float64, threads)
	took, err := fastest(threads, func(i int) {
		sink := C.float(.1)
		operations[i] = float64(C.zos_busy(busySteps, &sink))
	})
	for _, n := range operations {
		l.GFlops += n / took.Seconds() / 1e9
	}
	return l, err
}

// triad returns how many 10^9 bytes a second all threads read and write together, each going over
// arrays of n floats the given number of times.
func triad(threads, n, times int) (float64, error) {
	arrays := make([][3][]float32, threads)
	for i := range arrays {
		for j := range arrays[i] {
			arrays[i][j] = make([]float32, n)
			for k := range arrays[i][j] { // a page never written is not memory yet
				arrays[i][j][k] = 1
			}
		}
	}
	took, err := fastest(threads, func(i int) {
		a := arrays[i]
		for range times {
			C.zos_triad((*C.float)(&a[0][0]), (*C.float)(&a[1][0]), (*C.float)(&a[2][0]), C.size_t(n))
		}
	})
	return float64(threads*n*times) * 3 * 4 / took.Seconds() / 1e9, err
}

// fastest returns the shortest time in which all threads do their part.
func fastest(threads int, part func(i int)) (best time.Duration, err error) {
	for range attempts {
		start := time.Now()
		if err := safe.Each(threads, func(i int) error { part(i); return nil }); err != nil {
			return 0, err
		}
		if t := time.Since(start); best == 0 || t < best {
			best = t
		}
	}
	return best, nil
}
