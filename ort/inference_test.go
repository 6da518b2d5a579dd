package ort

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// scaleModel: y = a x, s = sum of x, for x of any length and a scalar a.
func scaleModel() []byte {
	return new(model).in("x", Float, "n").in("a", Float).one("Mul", "y", "a", "x").
		op("ReduceSum", "", []string{"x"}, []string{"s"}, intAttr("keepdims", 0)).
		out("y", Float, "n").out("s", Float).meta("zos.genotype", "normal").meta("zos.xi", "").bytes()
}

func TestInferenceRun(t *testing.T) {
	start(t)
	n := must(NewInference(scaleModel(), Options{Threads: 1}))(t)
	defer n.Close()
	for length := range 4 { // any shape, even an empty one
		x, a := must(NewTensor(Float, length))(t), must(Of([]float32{3}))(t)
		for i := range x.Float32() {
			x.Float32()[i] = float32(i + 1)
		}
		got := must(n.Run(context.Background(), map[string]*Tensor{"x": x, "a": a}))(t)
		want := make([]float32, length)
		for i := range want {
			want[i] = 3 * float32(i+1)
		}
		if !slices.Equal(got["y"].Float32(), want) || !slices.Equal(got["y"].Shape(), []int{length}) {
			t.Errorf("y = %v %v, want %v", got["y"].Shape(), got["y"].Float32(), want)
		}
		if s := got["s"].Float32(); len(got["s"].Shape()) != 0 || s[0] != float32(length*(length+1)/2) {
			t.Errorf("s = %v %v", got["s"].Shape(), s)
		}
		for _, v := range []*Tensor{x, a, got["y"], got["s"]} {
			v.Close()
		}
	}
}

func TestInferenceDescription(t *testing.T) {
	start(t)
	n := must(NewInference(scaleModel(), Options{}))(t)
	defer n.Close()
	inputs := []Port{{"x", Float, []int{-1}, true}, {"a", Float, nil, true}}
	outputs := []Port{{"y", Float, []int{-1}, true}, {"s", Float, nil, true}}
	if diff := cmp.Diff(inputs, n.Inputs()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(outputs, n.Outputs()); diff != "" {
		t.Error(diff)
	}
	want := Metadata{Producer: "zos-test", Graph: "g", Description: "a test", Version: 3,
		Custom: map[string]string{"zos.genotype": "normal", "zos.xi": ""}}
	if diff := cmp.Diff(want, n.Metadata()); diff != "" {
		t.Error(diff)
	}
}

// A training program runs in an inference session too, and updates the bound state in place.
func TestInferenceUpdatesInPlace(t *testing.T) {
	start(t)
	f := newFit(t, Options{Threads: 1})
	defer f.close()
	n := must(NewInference(fitModel(), Options{Threads: 1, CPUArena: true}))(t)
	defer n.Close()
	w, m := must(NewTensor(Float, 2, 1))(t), must(NewTensor(Float, 2, 1))(t)
	reset, loss := must(NewTensor(Bool))(t), must(NewTensor(Float))(t)
	done := [2]*Tensor{must(NewTensor(Bool, 1))(t), must(NewTensor(Bool, 1))(t)}
	defer func() {
		for _, x := range []*Tensor{w, m, reset, loss, done[0], done[1]} {
			x.Close()
		}
	}()
	in := maps.Clone(f.inputs)
	in["w"], in["m"], in[lazyReset] = w, m, reset
	st := must(n.Bind(in, map[string]*Tensor{"loss": loss, "w_done": done[0], "m_done": done[1]}))(t)
	for range 3 {
		ok(t, f.step.Run())
		ok(t, st.Run())
	}
	a, b := append(f.get(t, "w"), f.loss.Float32()...), append(w.Float32(), loss.Float32()...)
	if !slices.Equal(a, b) {
		t.Errorf("w and loss: in the trainer %v, in the session %v", a, b)
	}
}

// scaleInputs are inputs of scaleModel, for the length of a test: 1<<16 numbers, and one.
func scaleInputs(t *testing.T) map[string]*Tensor {
	in := map[string]*Tensor{"x": must(NewTensor(Float, 1<<16))(t), "a": must(Of([]float32{3}))(t)}
	t.Cleanup(func() {
		for _, v := range in {
			v.Close()
		}
	})
	return in
}

// The shared arena counts requested memory, anew each time it is made, and only one exists at a
// time.
func TestArena(t *testing.T) {
	start(t)
	in := scaleInputs(t)
	for range 2 {
		release := must(NewArena())(t)
		if _, err := NewArena(); err == nil {
			t.Error("there are two arenas")
		}
		n := must(NewInference(scaleModel(), Options{Threads: 1, CPUArena: true, TightArena: true}))(t)
		before := must(n.Stats("Cpu"))(t)
		out := must(n.Run(context.Background(), in))(t)
		during := must(n.Stats("Cpu"))(t)
		const y = 4 << 16 // the bytes of y; s is one number, in a chunk of 256 bytes
		if got := during.MaxInUse - before.InUse; got != y+256 {
			t.Errorf("the run took %d bytes of the arena, want %d", got, y+256)
		}
		out["y"].Close()
		out["s"].Close()
		n.Close()
		release()
		release()
	}
}

// A ledger says what is in use, and since when. It ends with nothing in use, and has the place of an arena.
func TestLedger(t *testing.T) {
	start(t)
	in := scaleInputs(t)
	for range 2 {
		l := must(NewLedger())(t)
		if _, err := NewArena(); !errors.Is(err, ErrInUse) {
			t.Errorf("an arena beside the ledger: %v", err)
		}
		n := must(NewInference(scaleModel(), Options{Threads: 1, Ledger: true}))(t)
		begun := int64(0)
		if before := l.Take(); len(before) > 0 {
			begun = before[len(before)-1].Bytes
		}
		from := time.Now()
		out := must(n.Run(context.Background(), in))(t)
		to, most := time.Now(), int64(0)
		for _, u := range l.Take() {
			most = max(most, u.Bytes-begun)
			if u.At.Before(from.Truncate(0)) || u.At.After(to) {
				t.Errorf("a use at %v of a run from %v to %v", u.At, from, to)
			}
		}
		if want := int64(4<<16 + 256); most != want { // y and s
			t.Errorf("%d bytes in use, want %d", most, want)
		}
		out["y"].Close()
		out["s"].Close()
		n.Close()
		if last := l.Take(); len(last) == 0 || last[len(last)-1].Bytes != 0 {
			t.Errorf("in use at the end: %v", last)
		}
		l.Close()
		l.Close()
	}
}

// The profile of a session counts from when the session was made.
func TestProfilingStart(t *testing.T) {
	start(t)
	from := time.Now()
	n := must(NewInference(scaleModel(), Options{Threads: 1, Profile: filepath.Join(t.TempDir(), "p")}))(t)
	defer n.Close()
	if at := must(n.ProfilingStart())(t); at.Before(from) || at.After(time.Now()) {
		t.Errorf("profiled from %v on, the session was made at %v", at, from)
	}
}

func TestStats(t *testing.T) {
	start(t)
	n := must(NewInference(scaleModel(), Options{Threads: 1, CPUArena: true}))(t)
	defer n.Close()
	before := must(n.Stats("Cpu"))(t)
	in := scaleInputs(t)
	out := must(n.Run(context.Background(), in))(t)
	during := must(n.Stats("Cpu"))(t)
	out["y"].Close()
	out["s"].Close()
	after := must(n.Stats("Cpu"))(t)
	const y = 4 << 16 // the bytes of y
	if during.InUse-before.InUse < y || during.MaxInUse < y || during.TotalAllocated < y ||
		during.MaxAllocSize < y || during.Allocations <= before.Allocations ||
		after.InUse != before.InUse || after.MaxInUse != during.MaxInUse {
		t.Errorf("statistics %+v, with y %+v, without %+v", before, during, after)
	}
	bare := must(NewInference(scaleModel(), Options{}))(t)
	defer bare.Close()
	_, err := bare.Stats("Cpu")
	wantErr(t, err, ErrNoStats, "Cpu")
	_, err = n.Stats("Cuda")
	ortErr(t, err, "statistics")
}

func TestInferenceRefuses(t *testing.T) {
	start(t)
	_, err := NewInference([]byte("garbage"), Options{})
	if e := ortErr(t, err, "create session", "protobuf"); e.Code != CodeUnknown {
		t.Errorf("code %v", e.Code)
	}
	_, err = NewInference(nil, Options{})
	wantErr(t, err, ErrModel)
	dir := t.TempDir()
	_, err = NewInference(new(model).one("Frobnicate", "p", "x").in("x", Float, 2).
		out("p", Float, 2).bytes(), Options{Dump: dir})
	ortErr(t, err, "Frobnicate", dir)
	n := must(NewInference(scaleModel(), Options{}))(t)
	defer n.Close()
	x := must(NewTensor(Double, 2))(t)
	defer x.Close()
	_, err = n.Run(context.Background(), map[string]*Tensor{"x": x})
	wantErr(t, err, ErrType, "x is float")
	_, err = n.Run(context.Background(), nil)
	wantErr(t, err, ErrName, "input x is missing")
}

// endlessModel is a loop that multiplies a matrix by itself for ever: its run ends only when
// stopped.
func endlessModel() []byte {
	body := new(model).in("round", Int64).in("again", Bool).in("in", Float, 4, 4).
		one("Identity", "and again", "again").one("MatMul", "square", "in", "in").
		out("and again", Bool).out("square", Float, 4, 4)
	loop := pb(pbText(1, "body"), pbBytes(6, pb(body.graph, pbText(2, "body"))), pbInt(20, 5))
	return new(model).in("x", Float, 4, 4).
		op("Loop", "", []string{"", "", "x"}, []string{"y"}, loop).
		out("y", Float, 4, 4).bytes()
}

// A run that would never end stops with its context, and so does a later run.
func TestCancel(t *testing.T) {
	start(t)
	n := must(NewInference(endlessModel(), Options{Threads: 1}))(t)
	defer n.Close()
	x := must(NewTensor(Float, 4, 4))(t)
	defer x.Close()
	in := map[string]*Tensor{"x": x}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := n.Run(ctx, in)
	wantErr(t, err, context.DeadlineExceeded)
	_, err = n.Run(ctx, in)
	wantErr(t, err, context.DeadlineExceeded)
	st := must(n.Bind(in, nil))(t)
	gone, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	wantErr(t, st.RunContext(gone), context.Canceled)
	wantErr(t, st.RunContext(gone), context.Canceled)
	// The session runs again; a context that never ends changes nothing.
	small := must(NewInference(scaleModel(), Options{Threads: 1}))(t)
	defer small.Close()
	a, y := must(Of([]float32{2}))(t), must(NewTensor(Float, 3))(t)
	v := must(Of([]float32{1, 2, 3}, 3))(t)
	defer a.Close()
	defer y.Close()
	defer v.Close()
	st = must(small.Bind(map[string]*Tensor{"x": v, "a": a}, map[string]*Tensor{"y": y}))(t)
	live, cancel := context.WithCancel(context.Background())
	defer cancel()
	ok(t, st.RunContext(live))
	if !slices.Equal(y.Float32(), []float32{2, 4, 6}) {
		t.Errorf("y = %v", y.Float32())
	}
}

func TestInferenceConcurrently(t *testing.T) {
	start(t)
	n := must(NewInference(scaleModel(), Options{Threads: 1}))(t)
	var wg, running sync.WaitGroup // running: until the first run of each goroutine, or its end
	running.Add(4)
	for g := range 4 {
		wg.Go(func() {
			begun := sync.OnceFunc(running.Done)
			defer begun()
			x, a := must(NewTensor(Float, 5))(t), must(Of([]float32{float32(g)}))(t)
			y := must(NewTensor(Float, 5))(t)
			defer x.Close()
			defer a.Close()
			defer y.Close()
			x.Float32()[4] = 1
			st, err := n.Bind(map[string]*Tensor{"x": x, "a": a}, map[string]*Tensor{"y": y})
			if err != nil && !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
			for err == nil {
				if err = st.Run(); err == nil && y.Float32()[4] != float32(g) {
					t.Errorf("goroutine %d got %v", g, y.Float32())
				}
				begun()
			}
			if !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
			st.Close()
		})
	}
	running.Wait()
	n.Close()
	wg.Wait()
}
