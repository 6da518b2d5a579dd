package ort

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	onnx "github.com/yalue/onnxruntime_go"
)

func near(a, b float32, tol float64) bool { return math.Abs(float64(a-b)) <= tol }

func TestMomentumConverges(t *testing.T) {
	start(t)
	f := newFit(t, Options{Threads: 1})
	defer f.close()
	if got, want := f.trainer.InputNames(), []string{"x", "y", "rate"}; !slices.Equal(got, want) {
		t.Errorf("inputs %v, want %v", got, want)
	}
	want := []string{"loss", "w_done", "m_done"}
	if got := f.trainer.OutputNames(); !slices.Equal(got, want) {
		t.Errorf("outputs %v, want %v", got, want)
	}
	// The first step from w = m = 0, in float64: g = -2/rows x'y, m = g, w = -rate g.
	var g [2]float64
	x, y := f.x.Float32(), f.y.Float32()
	for i, v := range y {
		g[0] -= 2. / rows * float64(x[2*i]) * float64(v)
		g[1] -= 2. / rows * float64(x[2*i+1]) * float64(v)
	}
	ok(t, f.step.Run())
	for i, m := range f.get(t, "m") {
		if !near(m, float32(g[i]), 1e-6) || !near(f.get(t, "w")[i], float32(-.05*g[i]), 1e-6) {
			t.Errorf("step 1: m = %v, w = %v; gradient %v", f.get(t, "m"), f.get(t, "w"), g)
		}
	}
	first := f.loss.Float32()[0]
	for range 300 {
		ok(t, f.step.Run())
	}
	if last := f.loss.Float32()[0]; last > 1e-6 || first < .1 {
		t.Errorf("loss went from %g to %g", first, last)
	}
	for i, w := range f.get(t, "w") {
		if !near(w, target[i], 1e-3) {
			t.Errorf("w[%d] = %g, want %g", i, w, target[i])
		}
	}
}

// Every combination of session options gives the same numbers.
func TestOptionsAgree(t *testing.T) {
	start(t)
	var want []float32
	for _, o := range []Options{{}, {Threads: 2, InterThreads: 2},
		{Optimization: Basic, MemPattern: true},
		{Optimization: Extended, CPUArena: true}, {Optimization: All, Log: LogError}} {
		f := newFit(t, o)
		for range 3 {
			ok(t, f.step.Run())
		}
		got := append(f.get(t, "w"), f.loss.Float32()[0])
		f.close()
		if want == nil {
			want = got
		}
		for i := range want {
			if !near(got[i], want[i], 1e-6) {
				t.Errorf("%+v: got %v, want %v", o, got, want)
			}
		}
	}
}

func TestTrainersShareTheState(t *testing.T) {
	start(t)
	f := newFit(t, Options{Threads: 1})
	defer f.close()
	twin := &fit{state: f.state}
	twin.trainer = must(NewTrainer(f.state, fitModel(), Options{Threads: 1}))(t)
	twin.bind(t)
	defer twin.close()
	reader := must(NewTrainer(f.state, predictModel(), Options{Threads: 1}))(t)
	x := must(Of([]float32{1, 0, 0, 1, 2, 2}, 3, 2))(t)
	p := must(NewTensor(Float, 3, 1))(t)
	defer x.Close()
	defer p.Close()
	read := must(reader.Bind(map[string]*Tensor{"x": x}, map[string]*Tensor{"p": p}))(t)
	want := func(w []float32) {
		t.Helper()
		ok(t, read.Run())
		if got := p.Float32(); !near(got[0], w[0], 1e-7) || !near(got[1], w[1], 1e-7) ||
			!near(got[2], 2*w[0]+2*w[1], 1e-6) {
			t.Errorf("the reader sees %v, the state is %v", got, w)
		}
	}
	alone := newFit(t, Options{Threads: 1})
	defer alone.close()
	want([]float32{0, 0})
	for range 3 { // two twins that alternate equal one that steps twice
		ok(t, f.step.Run())
		want(f.get(t, "w"))
		ok(t, twin.step.Run())
		ok(t, alone.step.Run())
		ok(t, alone.step.Run())
		if a, b := f.get(t, "w"), alone.get(t, "w"); !slices.Equal(a, b) {
			t.Errorf("taking turns: w = %v, alone: %v", a, b)
		}
	}
	ok(t, f.state.Set("w", []float32{10, 20}))
	want([]float32{10, 20})
	twin.trainer.Close()
	want([]float32{10, 20})
}

// Destroying a session makes ONNX Runtime forget how to copy parameters; State restores it.
func TestStateReadableAfterSessions(t *testing.T) {
	start(t)
	f := newFit(t, Options{Threads: 1})
	defer f.close()
	ok(t, f.step.Run())
	want := f.get(t, "w")
	second := must(NewTrainer(f.state, predictModel(), Options{Threads: 1}))(t)
	second.Close()
	f.state.copies = true // what ONNX Runtime does without our safeguard
	ortErr(t, f.state.Get("w", make([]float32, 2)), "Data transfer manager")
	f.state.copies = false
	same := func(when string) {
		t.Helper()
		if got := f.get(t, "w"); !slices.Equal(got, want) {
			t.Errorf("%s: w = %v, want %v", when, got, want)
		}
		ok(t, f.state.Set("w", want))
		ok(t, f.state.Save(filepath.Join(t.TempDir(), "ckpt")))
	}
	same("after one of two sessions was closed")
	_, err := NewTrainer(f.state, []byte("garbage"), Options{})
	ortErr(t, err)
	same("after a session that could not be made")
	f.trainer.Close()
	same("without a session")
	third := must(NewTrainer(f.state, predictModel(), Options{Threads: 1}))(t)
	same("with a new session")
	third.Close()
	same("without a session, again")
}

func TestUnboundAndBoundOutputs(t *testing.T) {
	start(t)
	f := newFit(t, Options{Threads: 1})
	defer f.close()
	done := must(NewTensor(Bool, 1))(t)
	defer done.Close()
	st := must(f.trainer.Bind(f.inputs, map[string]*Tensor{"w_done": done}))(t)
	ok(t, st.Run())
	if !done.Bools()[0] {
		t.Error("the flag of the overwrite is false")
	}
	none := must(f.trainer.Bind(f.inputs, nil))(t)
	before := f.get(t, "w")
	ok(t, none.Run())
	if slices.Equal(before, f.get(t, "w")) {
		t.Error("a step without bound outputs did nothing")
	}
}

func TestBindRefuses(t *testing.T) {
	start(t)
	f := newFit(t, Options{Threads: 1})
	defer f.close()
	small, ints := must(NewTensor(Float, 4, 2))(t), must(NewTensor(Int64, rows, 2))(t)
	gone := must(NewTensor(Float, rows, 2))(t)
	defer small.Close()
	defer ints.Close()
	gone.Close()
	for _, c := range []struct {
		name  string
		x     *Tensor
		want  error
		words []string
	}{
		{"shape", small, ErrShape, []string{"input", "x is [16 2]", "[4 2]"}},
		{"type", ints, ErrType, []string{"x is float", "int64"}},
		{"closed", gone, ErrClosed, nil},
	} {
		_, err := f.trainer.Bind(map[string]*Tensor{"x": c.x, "y": f.y, "rate": f.rate}, f.outputs)
		wantErr(t, err, c.want, c.words...)
	}
	_, err := f.trainer.Bind(map[string]*Tensor{"x": f.x, "y": f.y}, nil)
	wantErr(t, err, ErrName, "input rate is missing")
	_, err = f.trainer.Bind(f.inputs, map[string]*Tensor{"los": f.loss})
	wantErr(t, err, ErrName, "no output los", "loss")
	_, err = f.trainer.Bind(f.inputs, map[string]*Tensor{"loss": f.rate})
	wantErr(t, err, ErrInUse, "loss and rate are one tensor")
	if _, err = f.trainer.Bind(f.inputs, map[string]*Tensor{"loss": nil}); err == nil {
		t.Error("bound nil")
	}
}

// ONNX Runtime refuses an open dimension of the model in the step.
func TestStepShapeMismatch(t *testing.T) {
	start(t)
	s := must(NewState(fitParams()))(t)
	defer s.Close()
	loose := new(model).in("x", Float, "n", "k").in("w", Float, 2, 1).in(lazyReset, Bool).
		one("MatMul", "p", "x", "w").out("p", Float, "n", 1).bytes()
	tr := must(NewTrainer(s, loose, Options{Threads: 1}))(t)
	x, p := must(NewTensor(Float, 4, 3))(t), must(NewTensor(Float, 4, 1))(t)
	defer x.Close()
	defer p.Close()
	st := must(tr.Bind(map[string]*Tensor{"x": x}, map[string]*Tensor{"p": p}))(t)
	ortErr(t, st.Run(), "step", "MatMul")
	fits, wrong := must(NewTensor(Float, 4, 2))(t), must(NewTensor(Float, 5, 1))(t)
	defer fits.Close()
	defer wrong.Close()
	st = must(tr.Bind(map[string]*Tensor{"x": fits}, map[string]*Tensor{"p": wrong}))(t)
	ortErr(t, st.Run(), "step", "{5,1}")
	st = must(tr.Bind(map[string]*Tensor{"x": fits}, map[string]*Tensor{"p": p}))(t)
	ok(t, st.Run()) // the session lives on
}

func TestTrainerRefuses(t *testing.T) {
	start(t)
	s := must(NewState(fitParams()))(t)
	defer s.Close()
	dir := filepath.Join(t.TempDir(), "dump")
	unknown := new(model).in("x", Float, 2).in(lazyReset, Bool).one("Frobnicate", "p", "x").
		out("p", Float, 2).bytes()
	_, err := NewTrainer(s, unknown, Options{Dump: dir})
	e := ortErr(t, err, "Frobnicate", dir)
	if b, _ := os.ReadFile(e.Dump); !slices.Equal(b, unknown) {
		t.Errorf("%s is not the failing model", e.Dump)
	}
	blocked := touch(t, t.TempDir(), "file")
	_, err = NewTrainer(s, unknown, Options{Dump: blocked})
	ortErr(t, err, "could not be saved")
	_, err = NewTrainer(s, []byte("garbage"), Options{})
	if e := ortErr(t, err, "create trainer"); e.Code != CodeInvalidProtobuf || e.Dump != "" {
		t.Errorf("garbage gives %+v", e)
	}
	_, err = NewTrainer(s, nil, Options{})
	wantErr(t, err, ErrModel, "empty")
	plain := new(model).in("x", Float, 2).one("Relu", "p", "x").out("p", Float, 2).bytes()
	_, err = NewTrainer(s, plain, Options{Dump: dir})
	wantErr(t, err, ErrModel, lazyReset, dir)
	_, err = NewTrainer(s, fitModel(), Options{Threads: -1})
	if err == nil || !strings.Contains(err.Error(), "-1 threads") {
		t.Errorf("-1 threads: %v", err)
	}
	_, err = NewTrainer(s, fitModel(), Options{ConfigEntries: map[string]string{
		"session.disable_prepacking": "0"}})
	ortErr(t, err, "Prepacking is not supported")
	_, err = NewTrainer(s, fitModel(), Options{Providers: func(*onnx.SessionOptions) error {
		return os.ErrPermission
	}})
	wantErr(t, err, os.ErrPermission)
}

func TestProfileAndProviders(t *testing.T) {
	start(t)
	prefix := filepath.Join(t.TempDir(), "profile")
	asked := 0
	f := newFit(t, Options{Threads: 1, Profile: prefix, Providers: func(o *onnx.SessionOptions) error {
		asked++
		return o.AddSessionConfigEntry("session.set_denormal_as_zero", "1")
	}})
	ok(t, f.step.Run())
	f.close()
	files, _ := filepath.Glob(prefix + "*")
	if len(files) != 1 {
		t.Fatalf("profiles %v", files)
	}
	if b, _ := os.ReadFile(files[0]); !strings.Contains(string(b), "InPlaceAccumulatorV2") {
		t.Errorf("the profile does not name the operators: %d bytes", len(b))
	}
	if asked != 1 {
		t.Errorf("providers asked %d times", asked)
	}
}
