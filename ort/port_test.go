package ort

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPorts(t *testing.T) {
	// An initializer listed as an input, as before IR version 4, is not an input.
	b := new(model).in("x", Float, 2, "n").in("yes", Bool, 1).in("labels", Int64).yes().
		out("y", Double, 7).bytes()
	in, out, err := ports(b)
	ok(t, err)
	want := []Port{{"x", Float, []int{2, -1}, true}, {"labels", Int64, nil, true}}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Port{{"y", Double, []int{7}, true}}, out); diff != "" {
		t.Error(diff)
	}
	_, _, err = ports(b[:len(b)-1])
	wantErr(t, err, ErrModel)
}

// FuzzPorts checks that no bytes crash the reader.
func FuzzPorts(f *testing.F) {
	f.Add(fitModel())
	f.Add(scaleModel())
	f.Fuzz(func(t *testing.T, b []byte) {
		if in, out, err := ports(b); err == nil && len(in)+len(out) > len(b) {
			t.Errorf("%d inputs and %d outputs in %d bytes", len(in), len(out), len(b))
		}
	})
}

func TestRunWithoutInputs(t *testing.T) {
	start(t)
	n := must(NewInference(new(model).scalar("c", 2).one("Neg", "y", "c").out("y", Float).bytes(),
		Options{Threads: 1}))(t)
	defer n.Close()
	out := must(n.Run(context.Background(), nil))(t)
	defer out["y"].Close()
	if y := out["y"].Float32(); len(y) != 1 || y[0] != -2 {
		t.Errorf("y = %v, want -2", y)
	}
}
