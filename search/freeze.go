package search

import (
	"math"

	"zos-ort/graphgen"
	"zos-ort/graphgen/scope"
)

// freezer stops the training of operations of the supernet that overfit (OLES, Jiang et al., NeurIPS 2023):
// those whose gradients on training and validation batches point in different directions. The gradient of a
// validation batch comes from the alpha step, that of a training batch from the weight step after it, with
// the same weights. Of every tensor of an operation the cosine of the two is taken; when the mean over tensors
// and freezeWindow steps lies below a bound, the operation keeps its weights from then on.
type freezer struct {
	below      float64
	operations []operation
	keep       []float32 // [W]: 1, or 0 for the weights of a frozen operation
	state      *Frozen
}

// freezeWindow is the number of steps over which cosines are averaged (the authors' code has 20 too).
const freezeWindow = 20

// operation is one of an edge of a cell, with the places of its tensors in the weights.
type operation struct {
	place   string
	tensors []graphgen.Entry
}

// Frozen is what a freezer remembers between steps.
type Frozen struct {
	Sum    map[string]float64 // of mean cosines, by place of the operation
	Steps  int                // of the running window
	Places []string           // of frozen operations, in the order in which they froze
}

// newFreezer knows the operations of a layout of weights; keep is the input that says which weights train.
func newFreezer(below float64, l graphgen.Layout, keep []float32, from *Frozen) *freezer {
	f := &freezer{below: below, keep: keep, state: &Frozen{Sum: map[string]float64{}}}
	at := map[string]int{}
	for _, e := range l {
		m, ok := scope.ParseMixed(e.Name)
		if !ok || m.Edge < 0 {
			continue
		}
		place := m.String()
		i, known := at[place]
		if !known {
			i = len(f.operations)
			at[place] = i
			f.operations = append(f.operations, operation{place: place})
		}
		f.operations[i].tensors = append(f.operations[i].tensors, e)
	}
	for i := range keep {
		keep[i] = 1
	}
	if from != nil {
		*f.state = from.clone()
		for _, place := range from.Places {
			f.freeze(f.operations[at[place]])
		}
	}
	return f
}

// clone is a copy that later steps do not change.
func (f *Frozen) clone() Frozen {
	c := Frozen{Sum: make(map[string]float64, len(f.Sum)), Steps: f.Steps, Places: append([]string(nil), f.Places...)}
	for place, x := range f.Sum {
		c.Sum[place] = x
	}
	return c
}

func (f *freezer) freeze(o operation) {
	for _, e := range o.tensors {
		clear(f.keep[e.Offset : e.Offset+e.Len()])
	}
}

// see compares the gradients of a validation and a training batch.
func (f *freezer) see(valid, train []float32) {
	f.state.Steps++
	for _, o := range f.operations {
		if f.keep[o.tensors[0].Offset] == 0 {
			continue
		}
		for _, e := range o.tensors {
			lo, hi := e.Offset, e.Offset+e.Len()
			f.state.Sum[o.place] += cosine(valid[lo:hi], train[lo:hi]) / float64(len(o.tensors))
		}
		if f.state.Steps == freezeWindow && f.state.Sum[o.place] < f.below*freezeWindow {
			f.freeze(o)
			f.state.Places = append(f.state.Places, o.place)
		}
	}
	if f.state.Steps == freezeWindow {
		f.state.Steps = 0
		clear(f.state.Sum)
	}
}

// cosine is that of the angle between two vectors; 0 if one of them is zero.
func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i, x := range a {
		y := float64(b[i])
		ab, aa, bb = ab+float64(x)*y, aa+float64(x)*float64(x), bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}
