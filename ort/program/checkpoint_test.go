package program_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/ort"
	"zos-ort/ort/program"
)

// The state comes back bit by bit, and the same state gives the same bytes.
func TestSaveAndReadVectors(t *testing.T) {
	if err := ort.Open(""); errors.Is(err, ort.ErrNoRuntime) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	shape := program.Shape{Weights: graphgen.Layout{{Name: "w", Shape: []int{3}}},
		Stats: graphgen.Layout{{Name: "bn", Shape: []int{2}}}}
	want := program.Vectors{Weights: []float32{1, 2, 1e-30}, Momentum: []float32{.1, -0, 7},
		Means: []float32{3, 4}, Variances: []float32{5, 6}}
	n := check.Must(program.NewNet(shape, want, ort.Options{Threads: 1}))(t)
	defer n.Close()
	path := filepath.Join(t.TempDir(), "state.ckpt")
	if err := n.Save(path); err != nil {
		t.Fatal(err)
	}
	if got := check.Must(program.ReadVectors(path))(t); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	var b bytes.Buffer
	if err := n.WriteState(&b); err != nil {
		t.Fatal(err)
	}
	file := check.Must(os.ReadFile(path))(t)
	if !bytes.Equal(b.Bytes(), file) {
		t.Error("WriteState and Save give different bytes")
	}
	if err := os.WriteFile(path, file[:len(file)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := program.ReadVectors(path)
	check.Error(t, err, "read state ", "state.ckpt")
	b.Reset()
	other := []ort.Param{{Name: "bias", Shape: []int{1}, Data: []float32{1}}}
	if err := ort.WriteCheckpoint(&b, other); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = program.ReadVectors(path)
	check.Error(t, err, "bias is no state vector")
	check.Error(t, n.Save(filepath.Join(path, "below", "a", "file")), "save state")
}
