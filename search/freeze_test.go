package search_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/scope"
	"zos-ort/models/space"
	"zos-ort/ort/program"
	"zos-ort/search"
)

// freezing is a search with enough steps for one decision about every operation: 24 after the warm-up.
func freezing(below float64) search.Config {
	c := tinyConfig()
	c.Epochs, c.FreezeBelow = 9, below
	return c
}

// vectorsByEpoch is a recorder that keeps the state after every epoch.
type vectorsByEpoch struct {
	recorder
	states []program.Vectors
}

func (r *vectorsByEpoch) Save(s search.Snapshot, n *program.Net) error {
	err := r.recorder.Save(s, n)
	r.states = append(r.states, r.state)
	return err
}

// With a bound that nothing reaches all operations freeze after 20 steps: their weights stay from then on, and
// everything else goes on training. Before that the search is the one without a bound.
func TestOverfittingOperationsFreeze(t *testing.T) {
	runtime(t)
	c := freezing(.999)
	r := new(vectorsByEpoch)
	if _, err := search.Run(context.Background(), c, images(t), nil, r); err != nil {
		t.Fatal(err)
	}
	const frozen = 7 // the epoch with the 20th alpha step: epochs 1 to 6 have 18
	operations := map[string]bool{}
	layout := check.Must(search.Emit(c.Spec(8)))(t).Weight.Weights
	for i, e := range r.epochs {
		if (e.Frozen > 0) != (i >= frozen) {
			t.Errorf("epoch %d: %d operations are frozen", i, e.Frozen)
		}
	}
	before, after := r.states[frozen].Weights, r.states[frozen+1].Weights
	for _, e := range layout {
		_, inside := scope.ParseMixed(e.Name)
		if inside {
			operations[strings.Join(strings.SplitN(e.Name, "/", 4)[:3], "/")] = true
		}
		if stays := slices.Equal(of(before, e), of(after, e)); stays != inside {
			t.Errorf("%s: stays %v, belongs to an operation %v", e.Name, stays, inside)
		}
	}
	if got := r.epochs[frozen].Frozen; got != len(operations) || got == 0 {
		t.Errorf("%d operations are frozen, want %d", got, len(operations))
	}
	free := new(vectorsByEpoch)
	if _, err := search.Run(context.Background(), freezing(0), images(t), nil, free); err != nil {
		t.Fatal(err)
	}
	check.Close(t, "weights before", floats(free.states[frozen-1].Weights), floats(r.states[frozen-1].Weights), 1e-4, 1e-4)
}

func of(x []float32, e graphgen.Entry) []float32 { return x[e.Offset : e.Offset+e.Len()] }

// Operations freeze whose gradients agree less than the bound, and no others.
func TestFreezingGoesByTheMeanCosine(t *testing.T) {
	layout := graphgen.Layout{{Name: "stem/weight", Shape: []int{2}},
		{Name: "cell0/edge1/sep_conv_3x3/a", Shape: []int{2}, Offset: 2},
		{Name: "cell0/edge1/sep_conv_3x3/b", Shape: []int{2}, Offset: 4},
		{Name: "cell0/edge2/dil_conv_3x3/a", Shape: []int{2}, Offset: 6}}
	keep := make([]float32, 8)
	f := search.NewFreezer(.5, layout, keep, nil)
	valid := []float32{1, 0, 1, 0, 1, 0, 1, 0}
	same, across := []float32{0, 1, 3, 0, 2, 0, 1, 0}, []float32{0, 1, 3, 0, 0, 1, 0, 1} // cosines 1; (1 + 0) / 2 and 0
	for i := range 20 {
		if slices.Contains(keep, 0) {
			t.Fatalf("frozen after %d steps", i)
		}
		train := same
		if i < 9 {
			train = across
		}
		f.See(valid, train)
	}
	// Means: (9 / 2 + 11) / 20 = .775 and 11 / 20 = .55.
	if slices.Contains(keep, 0) {
		t.Errorf("frozen with means above the bound: %v", keep)
	}
	for i := range 20 {
		train := same
		if i < 11 {
			train = across
		}
		f.See(valid, train)
	}
	// Means: (11 / 2 + 9) / 20 = .725 and 9 / 20 = .45.
	if want := []float32{1, 1, 1, 1, 1, 1, 0, 0}; !slices.Equal(keep, want) {
		t.Errorf("weights that train: %v, want %v", keep, want)
	}
}

// A mean of alphas gives the genotype.
func TestAverageOfAlphas(t *testing.T) {
	runtime(t)
	c := tinyConfig()
	c.Net.Mask, c.Epochs, c.Alpha = every(space.SkipConnect, space.MaxPool3x3), 5, .2
	_, plain := runs(t, c)
	c.Average = 3
	res, r := runs(t, c)
	for i, e := range r.epochs {
		first := max(c.Warmup, i-2) // the epochs after the warm-up whose alphas count
		var list []*space.Alphas
		for _, p := range plain.epochs[min(first, i) : i+1] {
			list = append(list, p.Alphas)
		}
		sum := make([]float64, list[0].Len())
		for _, a := range list {
			for k, x := range a.Vector() {
				sum[k] += x / float64(len(list))
			}
		}
		check.Close(t, "mean of alphas", e.Alphas.Vector(), sum, 1e-12, 0)
		if g := check.Must(e.Alphas.Genotype())(t); g != e.Genotype {
			t.Errorf("epoch %d: genotype %v, want %v", i, e.Genotype, g)
		}
	}
	if !res.Alphas.Equal(r.epochs[4].Alphas) || res.Genotype != r.epochs[4].Genotype {
		t.Error("the result is not that of the last epoch")
	}
}
