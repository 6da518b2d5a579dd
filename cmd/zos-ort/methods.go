package main

import (
	"fmt"
	"strings"
)

// maskKind says where a method's mask comes from.
type maskKind int

const (
	noMask     maskKind = iota // the whole space
	algorithm1                 // zero-shot pruning to xi
	toOne                      // zero-shot pruning to one operation per edge
	randomMask                 // every operation stays with probability xi
)

// found says what a method takes the genotype from.
type found int

const (
	bySearch found = iota // the alphas of a one-shot search of what the mask leaves
	byScores              // the scores of the last pruning round
	byChance              // a draw from what the mask leaves
)

// method is one of the techniques that the paper compares (its Table 1), or a baseline to them.
type method struct {
	name    string
	mask    maskKind
	found   found
	partial int  // 1: full channels; 4: PC-DARTS
	beta    bool // beta regularisation
	about   string
}

// methods is the one place that says what each technique is made of.
var methods = []method{
	{"zos", algorithm1, bySearch, 4, true, "zero-shot pruning, partial channels, beta regularisation"},
	{"zos-rnd", randomMask, bySearch, 4, true, "the same with a random mask"},
	{"darts", noMask, bySearch, 1, false, "DARTS, first order"},
	{"beta-darts", noMask, bySearch, 1, true, "DARTS with beta regularisation"},
	{"pc-darts", noMask, bySearch, 4, false, "partial channels and edge weights"},
	{"darts-rnd", randomMask, bySearch, 1, false, "DARTS on a random mask"},
	{"etenas", toOne, byScores, 1, false, "zero-shot pruning alone, to one operation per edge"},
	{"etenas-pc", toOne, byScores, 4, false, "the same on the partial-channel supernet"},
	{"random", noMask, byChance, 1, false, "a random architecture, neither pruned nor searched"},
}

// searches says whether the method trains a supernet.
func (m method) searches() bool { return m.found == bySearch }

// ranks says whether the method scores operations.
func (m method) ranks() bool { return m.mask == algorithm1 || m.mask == toOne }

func findMethod(name string) (method, error) {
	var names []string
	for _, m := range methods {
		if m.name == name {
			return m, nil
		}
		names = append(names, m.name)
	}
	return method{}, fmt.Errorf("unknown method %q: use one of %s", name, strings.Join(names, ", "))
}

// findMethods reads a list of names, separated by commas; all is every method.
func findMethods(names string) (list []method, err error) {
	if names == "all" {
		return methods, nil
	}
	for name := range strings.SplitSeq(names, ",") {
		m, err := findMethod(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}
