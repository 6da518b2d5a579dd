package graphgen

import (
	"fmt"
	"slices"

	"zos-ort/graphgen/ir"
)

// Entry is one tensor inside a flat state vector.
type Entry struct {
	Name   string
	Shape  []int
	Offset int
	Init   Init
}

// Len is the number of elements.
func (e Entry) Len() int { return ir.Type{Shape: e.Shape}.Elements() }

// Init is the initial content of a tensor: uniform in (-Bound, Bound), or Value everywhere if Bound
// is 0.
type Init struct{ Bound, Value float64 }

// Layout places named tensors in one flat float32 vector. The entries are in order of construction,
// their places in another order (see Layout.arrange).
type Layout []Entry

// Len is the length of the vector.
func (l Layout) Len() (n int) {
	for _, e := range l {
		n += e.Len()
	}
	return n
}

// Find returns the entry of that name.
func (l Layout) Find(name string) (Entry, bool) {
	i := slices.IndexFunc(l, func(e Entry) bool { return e.Name == name })
	if i < 0 {
		return Entry{}, false
	}
	return l[i], true
}

// Transfer copies the tensors that both layouts have, by name, from one vector into another. A
// tensor whose shape changed is an error.
func (l Layout) Transfer(dst []float32, from Layout, src []float32) error {
	old := make(map[string]Entry, len(from))
	for _, e := range from {
		old[e.Name] = e
	}
	for _, e := range l {
		o, ok := old[e.Name]
		if !ok {
			continue
		}
		if !slices.Equal(o.Shape, e.Shape) {
			return fmt.Errorf("transfer: %s is %v here and %v there", e.Name, e.Shape, o.Shape)
		}
		copy(dst[e.Offset:e.Offset+e.Len()], src[o.Offset:o.Offset+o.Len()])
	}
	return nil
}

func (l *Layout) add(name string, shape []int, init Init) Entry {
	e := Entry{Name: name, Shape: slices.Clone(shape), Offset: l.Len(), Init: init}
	*l = append(*l, e)
	return e
}
