// Package method holds the techniques that a search can use, as data: the eight rows of Table 1 of
// "Half Search Space is All You Need", baselines to them, and the numbers of that table.
//
// A new technique is a new entry of All. One with a mask of its own brings a Draw function.
package method

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"zos-ort/models/space"
)

// MaskKind says where the mask of a method comes from.
type MaskKind int

// Kinds of masks.
const (
	NoMask     MaskKind = iota // the whole space
	Algorithm1                 // zero-shot pruning to the fraction xi
	ToOne                      // zero-shot pruning to one operation per edge
	RandomMask                 // drawn by Method.Draw
)

// Source says where a method takes its genotype from.
type Source int

// Sources of genotypes.
const (
	BySearch Source = iota // the alphas of a one-shot search inside the mask
	ByScores               // the scores of the last pruning round
	ByChance               // a random architecture inside the mask
)

// Draw draws a mask of a space that keeps about the fraction xi of the operations, and reports the operations that
// it had to restore because no architecture could be derived without them.
type Draw func(s *space.Space, rng *rand.Rand, xi float64) (space.Mask, []space.Repair)

// Method is a technique of the paper's Table 1, or a baseline.
type Method struct {
	Name    string
	Mask    MaskKind
	Source  Source
	Partial int  // the supernet mixes 1/Partial of its channels: 1 for DARTS, 4 for PC-DARTS
	Beta    bool // beta regularisation
	About   string
	Draw    Draw // for RandomMask alone
}

// All lists every method.
var All = []Method{
	{Name: "zos", Mask: Algorithm1, Partial: 4, Beta: true,
		About: "zero-shot pruning, partial channels, beta regularisation"},
	{Name: "zos-rnd", Mask: RandomMask, Draw: (*space.Space).RandomMask, Partial: 4, Beta: true,
		About: "zos with a random mask instead of pruning"},
	{Name: "darts", Partial: 1, About: "DARTS, first order"},
	{Name: "beta-darts", Partial: 1, Beta: true, About: "DARTS with beta regularisation"},
	{Name: "pc-darts", Partial: 4, About: "partial channels and edge weights"},
	{Name: "darts-rnd", Mask: RandomMask, Draw: (*space.Space).RandomMask, Partial: 1,
		About: "DARTS on a random mask"},
	{Name: "etenas", Mask: ToOne, Source: ByScores, Partial: 1,
		About: "zero-shot pruning alone, to one operation per edge"},
	{Name: "etenas-pc", Mask: ToOne, Source: ByScores, Partial: 4,
		About: "etenas on the partial-channel supernet"},
	{Name: "random", Source: ByChance, Partial: 1,
		About: "a random architecture, neither pruned nor searched"},
}

// Searches reports whether the method trains a supernet.
func (m Method) Searches() bool { return m.Source == BySearch }

// Ranks reports whether the method scores operations.
func (m Method) Ranks() bool { return m.Mask == Algorithm1 || m.Mask == ToOne }

// Find returns the method of that name.
func Find(name string) (Method, error) {
	var names []string
	for _, m := range All {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Method{}, fmt.Errorf("unknown method %q: use one of %s", name, strings.Join(names, ", "))
}

// Parse reads names separated by commas; "all" names every method.
func Parse(names string) (list []Method, err error) {
	if names == "all" {
		return All, nil
	}
	for name := range strings.SplitSeq(names, ",") {
		m, err := Find(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}
