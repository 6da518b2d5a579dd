package ort

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStateGetSet(t *testing.T) {
	start(t)
	s := must(NewState(someParams))(t)
	defer s.Close()
	names := []string{"empty", "layer/weight", "mömentum", "scalar"}
	if diff := cmp.Diff(names, s.Names()); diff != "" {
		t.Error(diff)
	}
	if shape, ok := s.Shape("layer/weight"); !ok || !slices.Equal(shape, []int{2, 3}) {
		t.Errorf("shape %v, %v", shape, ok)
	}
	if _, ok := s.Shape("nothing"); ok {
		t.Error("nothing has a shape")
	}
	got := must(s.Params())(t)
	want := []Param{someParams[2], someParams[0], someParams[3], someParams[1]}
	want[1].Trainable = false // Params are copies; the checkpoint says what is trained
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	ok(t, s.Set("mömentum", []float32{1, 2, 3}))
	v := make([]float32, 3)
	ok(t, s.Get("mömentum", v))
	if !slices.Equal(v, []float32{1, 2, 3}) {
		t.Errorf("set 1 2 3, got %v", v)
	}
	wantErr(t, s.Get("nothing", v), ErrName, "nothing")
	wantErr(t, s.Set("scalar", v), ErrShape, "scalar", "1 elements", "3")
	wantErr(t, s.Set("empty", v), ErrShape)
	ok(t, s.Get("empty", nil))
}

func TestStateSaveLoad(t *testing.T) {
	start(t)
	path := filepath.Join(t.TempDir(), "state.ckpt")
	f := newFit(t, Options{Threads: 1})
	defer f.close()
	for range 5 {
		ok(t, f.step.Run())
	}
	want := must(f.state.Params())(t)
	ok(t, f.state.Save(path))
	ok(t, f.step.Run())
	loaded := must(LoadState(path))(t)
	defer loaded.Close()
	if diff := cmp.Diff(want, must(loaded.Params())(t)); diff != "" {
		t.Errorf("saved and loaded (-want +got):\n%s", diff)
	}
	var b bytes.Buffer
	_, err := loaded.WriteTo(&b)
	ok(t, err)
	if diff := cmp.Diff(want, must(ReadCheckpoint(&b))(t)); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	entries := must(os.ReadDir(filepath.Dir(path)))(t)
	if len(entries) != 1 {
		t.Errorf("saving left %v", entries)
	}
	// Training continues from the file as if it had not stopped.
	g := &fit{state: loaded, trainer: must(NewTrainer(loaded, fitModel(), Options{Threads: 1}))(t)}
	g.bind(t)
	defer g.close()
	ok(t, g.step.Run())
	if a, b := f.get(t, "w"), g.get(t, "w"); !slices.Equal(a, b) {
		t.Errorf("step 6 gave %v, after loading %v", a, b)
	}
}

func TestStateSaveKeepsTheLastGoodOne(t *testing.T) {
	start(t)
	s := must(NewState(fitParams()))(t)
	defer s.Close()
	dir := t.TempDir()
	if err := s.Save(filepath.Join(dir, "no", "folder")); err == nil {
		t.Error("saved into a folder that is not there")
	}
	path := filepath.Join(dir, "state.ckpt")
	ok(t, s.Save(path))
	good := must(os.ReadFile(path))(t)
	ok(t, os.WriteFile(path, good[:len(good)-9], 0o644))
	_, err := LoadState(path)
	wantErr(t, err, ErrCheckpoint, path)
	// Our reader refuses such input before ONNX Runtime sees it, but ONNX Runtime refuses it
	// too.
	_, err = newState(good[:len(good)/2], nil)
	ortErr(t, err, "new state")
	_, err = LoadState(filepath.Join(dir, "nothing"))
	wantErr(t, err, os.ErrNotExist)
}

func TestTrainableParameters(t *testing.T) {
	start(t)
	// ONNX Runtime reads the parameters as trainable: it refuses a program without a gradient
	// buffer.
	params := fitParams()
	params[0].Trainable = true
	params[0].Data = []float32{3, 4}
	s := must(NewState(params))(t)
	defer s.Close()
	v := make([]float32, 2)
	ok(t, s.Get("w", v))
	_, err := NewTrainer(s, fitModel(), Options{Threads: 1})
	ortErr(t, err, "Gradient buffer input not provided for param: w")
	// That session died half-made, and the state points to its data transfer. State must know
	// this, and stay readable all the same.
	if s.copies {
		t.Error("the state trusts a dead session to copy its parameters")
	}
	ok(t, s.Get("w", v))
	if !slices.Equal(v, []float32{3, 4}) {
		t.Errorf("w = %v", v)
	}
}
