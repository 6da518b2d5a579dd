package search_test

import (
	"fmt"
	"os"
	goruntime "runtime"
	"runtime/debug"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"zos-ort/ort/program"
	"zos-ort/search"
)

// usage is what a process holds.
type usage struct {
	kilobytes                  float64
	goroutines, threads, files int
}

func measureUsage(t *testing.T) (u usage) {
	t.Helper()
	goruntime.GC()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc: resident memory cannot be read here")
	}
	for line := range strings.Lines(string(status)) {
		fmt.Sscanf(line, "VmRSS: %f kB", &u.kilobytes)
		fmt.Sscanf(line, "Threads: %d", &u.threads)
	}
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	u.goroutines, u.files = goruntime.NumGoroutine(), len(files)
	return u
}

// TestSoak opens and closes all sessions of a supernet again and again, with steps of both kinds in between: resident
// memory does not rise with the sessions, and nothing else piles up. make soak does 20,000 steps in 300 openings.
func TestSoak(t *testing.T) {
	runtime(t)
	openings, steps := 24, 480
	if os.Getenv("ZOS_SOAK") != "" {
		openings, steps = 300, 20_000
	}
	c := tinyConfig()
	p, err := search.Emit(c.Spec(8))
	if err != nil {
		t.Fatal(err)
	}
	w, x, y := make([]float32, p.Weight.Weights.Len()), make([]float32, c.Batch*3*8*8), make([]int64, c.Batch)
	for i := range w {
		w[i] = float32(i%7) / 10
	}
	each := (steps + 2*openings - 1) / (2 * openings)
	var at, resident []float64
	var warm, last usage
	for i := range openings {
		soak(t, p, c, w, x, y, each)
		if last = measureUsage(t); i == openings/4 { // by then caches and spare memory are there
			warm = last
		}
		if i >= openings/4 {
			at, resident = append(at, float64(i)), append(resident, last.kilobytes)
		}
	}
	_, slope := stat.LinearRegression(at, resident, nil, false)
	t.Logf("%d openings, %d steps: %.1f KB resident more per opening, %v before, %v after", openings, 2*each*openings, slope, warm, last)
	// One copy of the state or of an image batch left behind at each opening would be more.
	if limit := 40.0; slope > limit {
		t.Errorf("every opening leaves %.1f KB behind, at most %g", slope, limit)
	}
	if last.goroutines > warm.goroutines || last.threads > warm.threads+2 || last.files > warm.files {
		t.Errorf("goroutines, threads or files pile up: %+v before, %+v after", warm, last)
	}
}

// soak opens a supernet, makes steps, and closes it.
func soak(t *testing.T, p search.Programs, c search.Config, w, x []float32, y []int64, steps int) {
	t.Helper()
	s, err := search.Open(p, program.Vectors{Weights: append([]float32(nil), w...)}, c.InitialAlphas(), c.Options)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range steps {
		if _, err := s.AlphaStep(x, y, .5); err != nil {
			t.Fatal(err)
		}
		if _, err := s.WeightStep(x, y, 1e-4); err != nil {
			t.Fatal(err)
		}
	}
}
