package search

import "zos-ort/graphgen"

// NewFreezer and See show the freezer to tests.
func NewFreezer(below float64, l graphgen.Layout, keep []float32, from *Frozen) *freezer {
	return newFreezer(below, l, keep, from)
}

func (f *freezer) See(valid, train []float32) { f.see(valid, train) }
