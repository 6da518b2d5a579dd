package search

import (
	"zos-ort/graphgen"
	"zos-ort/ort/program"
)

// NewFreezer and See show the freezer to tests.
func NewFreezer(below float64, l graphgen.Layout, keep []float32, from *Frozen) *freezer {
	return newFreezer(below, l, keep, from)
}

func (f *freezer) See(valid, train []float32) { f.see(valid, train) }

// EmitRanks and OpenRanks are for one of several ranks.
var EmitRanks, OpenRanks = emit, open

// Feed sets the inputs of a program that a test has opened.
func (s *Steps) Feed(r *program.Runner, images []float32, labels []int64) error {
	return s.feed(r, images, labels)
}

// LastLoss is that of the last call of Gradient.
func (s *Steps) LastLoss() float64 { return s.outcomes[0] }
