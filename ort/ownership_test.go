package ort

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// The step loop allocates nothing in Go.
func TestStepAllocatesNothing(t *testing.T) {
	start(t)
	f := newFit(t, Options{Threads: 1})
	defer f.close()
	if n := testing.AllocsPerRun(100, func() { ok(t, f.step.Run()) }); n != 0 {
		t.Errorf("%g allocations per training step", n)
	}
	n := must(NewInference(scaleModel(), Options{Threads: 1}))(t)
	defer n.Close()
	x, a, y := must(NewTensor(Float, 8))(t), must(NewTensor(Float))(t), must(NewTensor(Float, 8))(t)
	defer x.Close()
	defer a.Close()
	defer y.Close()
	st := must(n.Bind(map[string]*Tensor{"x": x, "a": a}, map[string]*Tensor{"y": y}))(t)
	if n := testing.AllocsPerRun(100, func() { ok(t, st.Run()) }); n != 0 {
		t.Errorf("%g allocations per run", n)
	}
}

// raceDetector is set where the race detector runs: its own bookkeeping grows with every access, so
// resident memory says nothing there.
var raceDetector bool

// flat checks that resident memory does not grow while work is repeated, after a warm-up.
func flat(t *testing.T, repeats, limitKB int, work func()) {
	t.Helper()
	runtime.LockOSThread() // the C library keeps spare memory for every thread
	defer runtime.UnlockOSThread()
	for range repeats/5 + 1 {
		work()
	}
	before := residentKB(t)
	for range repeats {
		work()
	}
	grown := residentKB(t) - before
	t.Logf("%d repeats: %d KB more resident memory", repeats, grown)
	if grown > limitKB && !raceDetector {
		t.Errorf("%d repeats: %d KB more resident memory, at most %d", repeats, grown, limitKB)
	}
}

// big is the number of elements of tensors whose leak would show: 256 KB each.
const big = 1 << 16

// bigModel has a big input, a big state and two big outputs. The tests leave one output unbound, so
// that ONNX Runtime allocates it every time.
func bigModel() []byte {
	return new(model).in("x", Float, big).in("s", Float, big).in(lazyReset, Bool).yes().
		one("Add", "s2", "s", "x").one("Mul", "y", "s2", "x").one("Neg", "z", "y").
		out("y", Float, big).out("z", Float, big).overwrite("s", "s2").bytes()
}

func bigState(t *testing.T) *State {
	return must(NewState([]Param{{Name: "s", Shape: []int{big}, Data: make([]float32, big)}}))(t)
}

func TestNoLeakInSteps(t *testing.T) {
	if !fresh(t) {
		return
	}
	start(t)
	s := bigState(t)
	defer s.Close()
	tr := must(NewTrainer(s, bigModel(), Options{Threads: 1}))(t)
	x, y := must(NewTensor(Float, big))(t), must(NewTensor(Float, big))(t)
	defer x.Close()
	defer y.Close()
	st := must(tr.Bind(map[string]*Tensor{"x": x}, map[string]*Tensor{"y": y}))(t)
	// 1,000 leaked outputs would be 256 MB.
	flat(t, 1000, 4096, func() { ok(t, st.Run()) })
	v := make([]float32, big)
	flat(t, 100, 4096, func() { ok(t, s.Get("s", v)); ok(t, s.Set("s", v)) })
	flat(t, 100, 4096, func() {
		st := must(tr.Bind(map[string]*Tensor{"x": x}, nil))(t)
		ok(t, st.Run())
		st.Close()
	})
}

// A small leak shows only after many repetitions.
func TestNoLeakInSmallThings(t *testing.T) {
	if !fresh(t) {
		return
	}
	start(t)
	n := must(NewInference(scaleModel(), Options{Threads: 1, CPUArena: true}))(t)
	defer n.Close()
	x, a, wrong := must(NewTensor(Float, 3))(t), must(NewTensor(Float))(t), must(NewTensor(Float, 4))(t)
	defer x.Close()
	defer a.Close()
	defer wrong.Close()
	in := map[string]*Tensor{"x": x, "a": a}
	flat(t, 40000, 2560, func() {
		for _, out := range must(n.Run(context.Background(), in))(t) {
			out.Close()
		}
	})
	st := must(n.Bind(in, map[string]*Tensor{"y": wrong}))(t)
	flat(t, 20000, 2560, func() {
		if st.Run() == nil {
			t.Fatal("three elements fit four")
		}
	})
	flat(t, 60000, 2048, func() { must(n.Stats("Cpu"))(t) })
	flat(t, 60000, 2048, func() { must(Describe())(t) })
	s := must(NewState(fitParams()))(t)
	defer s.Close()
	garbage := []byte("garbage")
	flat(t, 5000, 2048, func() {
		if _, err := NewTrainer(s, garbage, Options{Threads: 1}); err == nil {
			t.Fatal("made a trainer of garbage")
		}
	})
}

func TestNoLeakInObjects(t *testing.T) {
	if !fresh(t) {
		return
	}
	start(t)
	model := bigModel()
	dir := t.TempDir()
	flat(t, 50, 6144, func() { // a big tensor leaked each time would be 12,800 KB
		s := bigState(t)
		tr := must(NewTrainer(s, model, Options{Threads: 2}))(t)
		x, y := must(NewTensor(Float, big))(t), must(NewTensor(Float, big))(t)
		st := must(tr.Bind(map[string]*Tensor{"x": x}, map[string]*Tensor{"y": y}))(t)
		ok(t, st.Run())
		tr.Close()
		ok(t, s.Save(filepath.Join(dir, "ckpt"))) // through the keeper
		s.Close()
		y.Close()
		reset := must(NewTensor(Bool))(t)
		state := must(NewTensor(Float, big))(t)
		n := must(NewInference(model, Options{Threads: 2}))(t)
		in := map[string]*Tensor{"x": x, "s": state, lazyReset: reset}
		for _, out := range must(n.Run(context.Background(), in))(t) {
			out.Close()
		}
		n.Close()
		x.Close()
		reset.Close()
		state.Close()
	})
}

func TestNoLeakInFailures(t *testing.T) {
	if !fresh(t) {
		return
	}
	start(t)
	s := bigState(t)
	defer s.Close()
	bad := new(model).in("x", Float, 2).in(lazyReset, Bool).one("Frobnicate", "p", "x").
		out("p", Float, 2).bytes()
	plain := new(model).in("x", Float, 2).one("Relu", "p", "x").out("p", Float, 2).bytes()
	flat(t, 50, 6144, func() {
		for _, model := range [][]byte{bad, plain} { // one fails, one is refused later
			if _, err := NewTrainer(s, model, Options{Threads: 2}); err == nil {
				t.Fatal("made a trainer of a bad model")
			}
		}
		if _, err := NewInference(bad, Options{Threads: 2}); err == nil {
			t.Fatal("made a session of a bad model")
		}
	})
}

func TestCloseTwiceAndUseAfterClose(t *testing.T) {
	start(t)
	f := newFit(t, Options{Threads: 1})
	x := must(NewTensor(Float, 2))(t)
	x.Close()
	x.Close()
	if x.Float32() != nil || x.Float64() != nil {
		t.Error("a closed tensor still shows its memory")
	}
	f.step.Close()
	f.step.Close()
	wantErr(t, f.step.Run(), ErrClosed)
	f.step = must(f.trainer.Bind(f.inputs, f.outputs))(t)
	f.loss.Close() // the step keeps its memory
	wantErr(t, f.step.Run(), ErrClosed, "tensor")
	f.loss = must(NewTensor(Float))(t)
	f.outputs["loss"] = f.loss
	f.step = must(f.trainer.Bind(f.inputs, f.outputs))(t)
	ok(t, f.step.Run())
	f.trainer.Close()
	f.trainer.Close()
	wantErr(t, f.step.Run(), ErrClosed, "trainer")
	f.step.Close()
	_, err := f.trainer.Bind(f.inputs, f.outputs)
	wantErr(t, err, ErrClosed, "trainer")
	f.close()
	f.close()
	wantErr(t, f.state.Get("w", make([]float32, 2)), ErrClosed, "state")
	wantErr(t, f.state.Save(filepath.Join(t.TempDir(), "ckpt")), ErrClosed)
	_, err = NewTrainer(f.state, fitModel(), Options{})
	wantErr(t, err, ErrClosed)
	f.trainer.Close()
	n := must(NewInference(scaleModel(), Options{}))(t)
	n.Close()
	n.Close()
	_, err = n.Stats("Cpu")
	wantErr(t, err, ErrClosed)
	a, y := must(NewTensor(Float))(t), must(NewTensor(Float, 2))(t)
	defer a.Close()
	defer y.Close()
	_, err = n.Run(context.Background(), map[string]*Tensor{"x": y, "a": a})
	wantErr(t, err, ErrClosed)
	_, err = n.Bind(map[string]*Tensor{"x": y, "a": a}, nil)
	wantErr(t, err, ErrClosed)
	for _, nothing := range []interface{ Close() }{(*Tensor)(nil), (*State)(nil), (*Trainer)(nil),
		(*Step)(nil), (*Inference)(nil), (*Domain)(nil)} {
		nothing.Close()
	}
}

// Steps, reads, writes, new sessions and closing, all at once: errors may only be ErrClosed.
func TestStateConcurrently(t *testing.T) {
	start(t)
	f := newFit(t, Options{Threads: 1})
	defer f.close()
	var wg, working sync.WaitGroup // working: until every worker has worked once, or has ended
	forever := func(work func() error) {
		working.Add(1)
		begun := sync.OnceFunc(working.Done)
		wg.Go(func() {
			defer begun()
			for ; ; begun() {
				if err := work(); errors.Is(err, ErrClosed) {
					return
				} else if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	v, u := make([]float32, 2), make([]float32, 2)
	path := filepath.Join(t.TempDir(), "ckpt")
	forever(f.step.Run)
	forever(func() error { return f.state.Get("w", v) })
	forever(func() error { return f.state.Set("m", u) })
	forever(func() error { return f.state.Save(path) })
	forever(func() error {
		tr, err := NewTrainer(f.state, predictModel(), Options{Threads: 1})
		tr.Close()
		return err
	})
	working.Wait()
	f.state.Close()
	wg.Wait()
}
