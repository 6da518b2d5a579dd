package ort

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var someParams = []Param{
	{Name: "layer/weight", Shape: []int{2, 3}, Data: []float32{1, -2, 3.5, 0, 1e-30, 6},
		Trainable: true},
	{Name: "scalar", Data: []float32{42}},
	{Name: "empty", Shape: []int{0, 4}, Data: []float32{}},
	{Name: "mömentum", Shape: []int{3}, Data: []float32{7, 8, 9}},
}

func encode(t *testing.T, params []Param) []byte {
	t.Helper()
	var b bytes.Buffer
	ok(t, WriteCheckpoint(&b, params))
	return b.Bytes()
}

func TestCheckpointRoundTrip(t *testing.T) {
	b := encode(t, someParams)
	if !bytes.Equal(b, encode(t, someParams)) {
		t.Error("the same parameters gave other bytes")
	}
	got, err := ReadCheckpoint(bytes.NewReader(b))
	ok(t, err)
	if diff := cmp.Diff(someParams, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	got, err = ReadCheckpoint(bytes.NewReader(encode(t, nil)))
	if err != nil || len(got) != 0 {
		t.Errorf("an empty checkpoint is read as %v, %v", got, err)
	}
}

func TestCheckpointRefuses(t *testing.T) {
	write := func(params ...Param) error { return WriteCheckpoint(&bytes.Buffer{}, params) }
	wantErr(t, write(Param{}), ErrName)
	wantErr(t, write(Param{Name: "a", Data: []float32{1}}, Param{Name: "a", Data: []float32{1}}),
		ErrName, "a is there twice")
	wantErr(t, write(Param{Name: "a", Shape: []int{2}, Data: []float32{1}}), ErrShape, "[2]",
		"1 elements")
	wantErr(t, write(Param{Name: "a", Shape: []int{-1}}), ErrShape)
	read := func(b []byte) error { _, err := ReadCheckpoint(bytes.NewReader(b)); return err }
	wantErr(t, read(nil), ErrCheckpoint)
	wantErr(t, read([]byte("not a checkpoint at all")), ErrCheckpoint, "ODTC")
	// A flatbuffer is written from its end, so cutting off any part loses something.
	b := encode(t, someParams)
	for n := range b {
		if err := read(b[:n]); !errors.Is(err, ErrCheckpoint) {
			t.Fatalf("cut to %d of %d bytes: error %v", n, len(b), err)
		}
	}
}

// FuzzReadCheckpoint checks that no bytes crash the reader, and that its result can be written and
// read again.
func FuzzReadCheckpoint(f *testing.F) {
	var b bytes.Buffer
	if err := WriteCheckpoint(&b, someParams); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:b.Len()/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		params, err := ReadCheckpoint(bytes.NewReader(b))
		if err != nil {
			return
		}
		again := encode(t, params)
		if _, err := ReadCheckpoint(bytes.NewReader(again)); err != nil {
			t.Errorf("read, but not after writing: %v", err)
		}
	})
}
