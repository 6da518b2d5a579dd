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
	toOne                      // zero-shot pruning to one operation per edge, no search
	randomMask                 // every operation stays with probability xi
)

// method is one of the techniques that the paper compares (its Table 1).
type method struct {
	name    string
	mask    maskKind
	partial int  // 1: full channels; 4: PC-DARTS
	beta    bool // beta regularisation
	about   string
}

// methods is the one place that says what each technique is made of.
var methods = []method{
	{"zos", algorithm1, 4, true, "zero-shot pruning, partial channels, beta regularisation"},
	{"zos-rnd", randomMask, 4, true, "the same with a random mask"},
	{"darts", noMask, 1, false, "DARTS, first order"},
	{"beta-darts", noMask, 1, true, "DARTS with beta regularisation"},
	{"pc-darts", noMask, 4, false, "partial channels and edge weights"},
	{"darts-rnd", randomMask, 1, false, "DARTS on a random mask"},
	{"etenas", toOne, 1, false, "zero-shot pruning alone, to one operation per edge"},
	{"etenas-pc", toOne, 4, false, "the same on the partial-channel supernet"},
}

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
