// Package scope writes and reads the places of nodes in a network, such as
// cell3/edge7/dil_conv_3x3. A place is the beginning of a name in an ONNX file.
package scope

import (
	"fmt"
	"strconv"
	"strings"
)

// Parts of a program outside the network.
const (
	Loss       = "loss"
	SGD        = "sgd"        // clipping, momentum, weight decay
	Statistics = "statistics" // running statistics
	Patterns   = "patterns"   // comparison of ReLU states
	update     = "update"     // stores the new state
)

// Prefixes of the numbered parts of a network.
const (
	cell       = "cell"
	edge       = "edge"
	between    = "between"
	preprocess = "preprocess"
	state      = "state"
)

// Update is the place where a state vector is overwritten.
func Update(vector string) string { return update + "/" + vector }

// Cell is the place of cell i of a network.
func Cell(i int) string { return fmt.Sprint(cell, i) }

// Between is the place of what stands before cell i and after the one before it.
func Between(i int) string { return fmt.Sprint(between, i) }

// Preprocess is the place, in a cell, of the preprocessing of the output of one of the two cells
// before it.
func Preprocess(input int) string { return fmt.Sprint(preprocess, input) }

// Edge is the place, in a supernet cell, of the mixed operation of edge i.
func Edge(i int) string { return fmt.Sprint(edge, i) }

// State is the place, in a supernet cell, of an operation shared by all edges from a state.
func State(i int, operation fmt.Stringer) string { return fmt.Sprintf("%s%d/%v", state, i, operation) }

// Mixed is the place of an operation of a supernet: on an edge, or shared by all edges from a state.
type Mixed struct {
	Cell      int
	Edge      int // -1 for a shared one
	State     int // -1 for one on an edge
	Operation string
}

// String is the place as ParseMixed reads it.
func (m Mixed) String() string {
	if m.Edge < 0 {
		return fmt.Sprintf("%s/%s%d/%s", Cell(m.Cell), state, m.State, m.Operation)
	}
	return fmt.Sprintf("%s/%s/%s", Cell(m.Cell), Edge(m.Edge), m.Operation)
}

// ParseMixed reads a place inside an operation of a supernet; ok is false for other places.
func ParseMixed(s string) (m Mixed, ok bool) {
	path := strings.SplitN(s, "/", 4)
	if len(path) < 3 {
		return m, false
	}
	m = Mixed{Edge: -1, State: -1, Operation: path[2]}
	if m.Cell, ok = numbered(path[0], cell); !ok {
		return m, false
	}
	if m.Edge, ok = numbered(path[1], edge); ok {
		return m, true
	}
	m.Edge = -1
	m.State, ok = numbered(path[1], state)
	return m, ok
}

// numbered reads a name such as edge7.
func numbered(s, prefix string) (int, bool) {
	digits, ok := strings.CutPrefix(s, prefix)
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n >= 0
}

// Operation is the place, in a cell of a derived network, of operation i.
func Operation(i int, operation fmt.Stringer) string { return fmt.Sprintf("op%d/%v", i, operation) }

// Gradient is the place of the gradient of what is at a place.
func Gradient(of string) string { return of + "/grad" }

// Again is the place of a value that the backward pass recomputes.
func Again(of string) string { return of + "/again" }

// Place is the content of a scope.
type Place struct {
	Part      string // "cell3", or the first part of another scope
	Operation string // in a cell: "dil_conv_3x3", or "edge7" or "preprocess0" outside an operation
	Updates   bool   // part of the update of the state
}

// Parse reads a scope.
func Parse(s string) Place {
	path := strings.Split(s, "/")
	p := Place{Part: path[0]}
	switch p.Part {
	case SGD, Statistics, update:
		p.Updates = true
	}
	if len(path) < 2 || !strings.HasPrefix(p.Part, cell) {
		return p
	}
	p.Operation = path[min(2, len(path)-1)]
	if strings.HasPrefix(p.Operation, edge) || strings.HasPrefix(path[1], preprocess) {
		p.Operation = path[1]
	}
	return p
}
