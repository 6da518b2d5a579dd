package method

import (
	"fmt"
	"strings"
)

// MaskKind says where a method's mask comes from.
type MaskKind int

const (
	NoMask     MaskKind = iota // the whole space
	Algorithm1                 // zero-shot pruning to xi
	ToOne                      // zero-shot pruning to one operation per edge
	RandomMask                 // every operation stays with probability xi
)

// Source says what a method takes the genotype from.
type Source int

const (
	BySearch Source = iota // the alphas of a one-shot search of what the mask leaves
	ByScores               // the scores of the last pruning round
	ByChance               // a draw from what the mask leaves
)

// Method is one of the techniques that the paper compares (its Table 1), or a baseline to them.
type Method struct {
	Name    string
	Mask    MaskKind
	Source  Source
	Partial int  // 1: full channels; 4: PC-DARTS
	Beta    bool // beta regularisation
	About   string
}

// All is the one place that says what each technique is made of.
var All = []Method{
	{"zos", Algorithm1, BySearch, 4, true, "zero-shot pruning, partial channels, beta regularisation"},
	{"zos-rnd", RandomMask, BySearch, 4, true, "the same with a random mask"},
	{"darts", NoMask, BySearch, 1, false, "DARTS, first order"},
	{"beta-darts", NoMask, BySearch, 1, true, "DARTS with beta regularisation"},
	{"pc-darts", NoMask, BySearch, 4, false, "partial channels and edge weights"},
	{"darts-rnd", RandomMask, BySearch, 1, false, "DARTS on a random mask"},
	{"etenas", ToOne, ByScores, 1, false, "zero-shot pruning alone, to one operation per edge"},
	{"etenas-pc", ToOne, ByScores, 4, false, "the same on the partial-channel supernet"},
	{"random", NoMask, ByChance, 1, false, "a random architecture, neither pruned nor searched"},
}

// Searches says whether the method trains a supernet.
func (m Method) Searches() bool { return m.Source == BySearch }

// Ranks says whether the method scores operations.
func (m Method) Ranks() bool { return m.Mask == Algorithm1 || m.Mask == ToOne }

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

// Parse reads a list of names, separated by commas; all is every method.
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
