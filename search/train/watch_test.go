package train_test

import (
	"errors"
	"math"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/search/train"
)

// weighing is a net in the runtime with three weights.
func weighing(t *testing.T, weights ...float32) *program.Net {
	t.Helper()
	if err := ort.Open(""); errors.Is(err, ort.ErrNoRuntime) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	shape := program.Shape{Weights: graphgen.Layout{{Name: "w", Shape: []int{len(weights)}}},
		Stats: graphgen.Layout{{Name: "bn", Shape: []int{1}}}}
	n := check.Must(program.NewNet(shape, program.Vectors{Weights: weights}, ort.Options{Threads: 1}))(t)
	t.Cleanup(n.Close)
	return n
}

// What has diverged is the weights if they have grown without bound, and else the loss. Neither
// message knows the flags of a command.
func TestWatch(t *testing.T) {
	broken := errors.New("no maximum")
	steady := train.Watch{Stage: "search", Net: weighing(t, 1, -999999, 0), Epoch: 3}
	large := train.Watch{Stage: "search", Net: weighing(t, 1, -1e7, 0), Epoch: 3}
	lost := train.Watch{Stage: "search", Net: weighing(t, 1, float32(math.NaN()), 0), Epoch: 3}
	for _, w := range []train.Watch{steady, large} {
		if err := w.Finite(1e30, "a step"); err != nil {
			t.Errorf("a finite loss: %v", err)
		}
		if err := w.Explain(nil); err != nil {
			t.Errorf("no error: %v", err)
		}
	}
	if err := steady.Explain(broken); err != broken {
		t.Errorf("another error: got %v, want %v", err, broken)
	}
	for want, err := range map[string]error{
		"search: the loss of a step is NaN in epoch 3: lower the learning rate": steady.Finite(math.NaN(),
			"a step"),
		"search: the loss of a step is -Inf in epoch 3: lower the learning rate": steady.Finite(
			math.Inf(-1), "a step"),
		"search: a weight has grown to -1e+07 in epoch 3: lower the learning rate": large.Explain(broken),
		"search: a weight has grown to NaN in epoch 3: lower the learning rate": lost.Finite(math.NaN(),
			"a step"),
	} {
		var d *train.Diverged
		if !errors.As(err, &d) || d.Epoch != 3 || d.Stage != "search" || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestCrossEntropy(t *testing.T) {
	logits := []float32{0, 0, 0, 0, math.MaxFloat32, 1, 2, 3, 1} // the last row has no label
	sum, correct := train.CrossEntropy(logits, []int64{2, 1}, 3)
	if want := math.Log(3); math.Abs(sum-want) > 1e-12 || correct != 1 {
		t.Errorf("sum %v, %d correct, want %v and 1", sum, correct, want)
	}
	sum, correct = train.CrossEntropy([]float32{1, 3}, []int64{0}, 2)
	if want := math.Log(1 + math.Exp(2)); math.Abs(sum-want) > 1e-12 || correct != 0 {
		t.Errorf("sum %v, %d correct, want %v and 0", sum, correct, want)
	}
}
