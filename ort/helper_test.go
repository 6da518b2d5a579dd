package ort

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
)

// start opens the runtime and checks at the end that the test closed everything that it made. A
// missing runtime is a failure: without it these tests prove nothing.
func start(t *testing.T) {
	t.Helper()
	if err := Open(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for kind, n := range process.live {
			if n != 0 {
				t.Errorf("%d %s(s) left open", n, kind)
			}
		}
	})
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, err, want error, words ...string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	for _, w := range words {
		if err != nil && !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not mention %q", err, w)
		}
	}
}

// ortErr checks for an error of ONNX Runtime itself.
func ortErr(t *testing.T, err error, words ...string) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want an *Error", err)
	}
	wantErr(t, err, err, words...)
	return e
}

// fit is a small training program with everything it needs.
type fit struct {
	state            *State
	trainer          *Trainer
	step             *Step
	x, y, rate, loss *Tensor
	inputs, outputs  map[string]*Tensor
}

// targets of the least squares.
var target = []float32{1.5, -0.5}

func fitParams() []Param {
	return []Param{{Name: "w", Shape: []int{2, 1}, Data: make([]float32, 2)},
		{Name: "m", Shape: []int{2, 1}, Data: make([]float32, 2)}}
}

func newFit(t *testing.T, o Options) *fit {
	t.Helper()
	f := &fit{state: must(NewState(fitParams()))(t)}
	f.trainer = must(NewTrainer(f.state, fitModel(), o))(t)
	f.bind(t)
	return f
}

func (f *fit) bind(t *testing.T) {
	t.Helper()
	f.tensors(t)
	f.step = must(f.trainer.Bind(f.inputs, f.outputs))(t)
}

// tensors makes the inputs and outputs.
func (f *fit) tensors(t *testing.T) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	f.x = must(NewTensor(Float, rows, 2))(t)
	f.y = must(NewTensor(Float, rows, 1))(t)
	f.rate = must(Of([]float32{.05}))(t)
	f.loss = must(NewTensor(Float))(t)
	x, y := f.x.Float32(), f.y.Float32()
	for i := range rows {
		a, b := float32(rng.NormFloat64()), float32(rng.NormFloat64())
		x[2*i], x[2*i+1], y[i] = a, b, target[0]*a+target[1]*b
	}
	f.inputs = map[string]*Tensor{"x": f.x, "y": f.y, "rate": f.rate}
	f.outputs = map[string]*Tensor{"loss": f.loss}
}

func (f *fit) close() {
	f.state.Close()
	for _, x := range []*Tensor{f.x, f.y, f.rate, f.loss} {
		x.Close()
	}
}

func (f *fit) get(t *testing.T, name string) []float32 {
	t.Helper()
	v := make([]float32, 2)
	ok(t, f.state.Get(name, v))
	return v
}

// fresh runs the calling test in a process of its own and returns true there: that process has no
// spare memory yet in which a leak could hide.
func fresh(t *testing.T) bool {
	t.Helper()
	const mark = "ZOS_ORT_FRESH_PROCESS"
	if os.Getenv(mark) == t.Name() {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), mark+"="+t.Name())
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: ") {
		t.Errorf("in a fresh process: %v\n%s", err, out)
	}
	return false
}

// residentKB is the resident memory of the process (proc(5): statm, second field, in pages) after
// Go returned what it does not use.
func residentKB(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc: resident memory cannot be read here")
	}
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	ok(t, err)
	return pages * os.Getpagesize() / 1024
}
