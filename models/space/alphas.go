package space

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Alphas are the architecture parameters of a search: one number per operation that the mask
// keeps, and for partial channels one per edge (the betas of PC-DARTS). A masked operation has no
// entry at all. Gradients and optimiser moments are Alphas too, made by Like.
//
// All numbers lie in one vector: the operations of normal cells in flat order, those of reduction
// cells, the edges of normal cells, those of reduction cells. Every accessor that returns a
// slice returns a view of it, so writing to the slice changes the Alphas.
type Alphas struct {
	mask       Mask
	values     []float64
	operations int                  // how many of them belong to operations
	start      [2][MaxEdges + 1]int // row e of type t is values[start[t][e]:start[t][e+1]]
}

// NewAlphas returns zeros for a mask. Edge weights exist if edgeWeights is set.
func NewAlphas(mask Mask, edgeWeights bool) *Alphas {
	a := &Alphas{mask: mask}
	n := 0
	for _, t := range mask.Space().types {
		for e, s := range mask.Sets(t) {
			a.start[t][e] = n
			n += s.Len()
		}
		a.start[t][mask.Space().Edges()] = n
	}
	a.operations = n
	if edgeWeights {
		n += len(mask.Space().types) * mask.Space().Edges()
	}
	a.values = make([]float64, n)
	return a
}

// Init draws every entry from 1e-3 N(0,1), in the order of Vector (as DARTS and PC-DARTS).
func (a *Alphas) Init(rng *rand.Rand) {
	for i := range a.values {
		a.values[i] = 1e-3 * rng.NormFloat64()
	}
}

// Like returns zeros of the same layout.
func (a *Alphas) Like() *Alphas { return NewAlphas(a.mask, a.HasEdgeWeights()) }

// Clone returns a copy.
func (a *Alphas) Clone() *Alphas {
	c := *a
	c.values = slices.Clone(a.values)
	return &c
}

// Mean is the mean of alphas of one layout, at least one.
func Mean(list []*Alphas) (*Alphas, error) {
	mean := list[0].Like()
	for _, a := range list {
		if err := mean.sameLayout(a); err != nil {
			return nil, err
		}
		for i, x := range a.values {
			mean.values[i] += x / float64(len(list))
		}
	}
	return mean, nil
}

// Mask is the mask that the layout follows.
func (a *Alphas) Mask() Mask { return a.mask }

// HasEdgeWeights says whether there are edge weights.
func (a *Alphas) HasEdgeWeights() bool { return len(a.values) > a.operations }

// Len is the length of Vector.
func (a *Alphas) Len() int { return len(a.values) }

// Vector is the storage of all numbers as one vector, for optimisers that work in place.
func (a *Alphas) Vector() []float64 { return a.values }

// SetVector copies a vector in.
func (a *Alphas) SetVector(v []float64) error {
	if len(v) != len(a.values) {
		return fmt.Errorf("alphas: the vector has %d numbers, the mask wants %d", len(v), len(a.values))
	}
	copy(a.values, v)
	return nil
}

// Flat is a view of the operations of a cell type; entry i belongs to Mask().Candidates(t)[i].
func (a *Alphas) Flat(t CellType) []float64 { return a.view(a.start[t][0], a.end(t)) }

// Row is a view of the operations of an edge, in the order of its set.
func (a *Alphas) Row(t CellType, e int) []float64 { return a.view(a.start[t][e], a.start[t][e+1]) }

// end is where the operations of a cell type end.
func (a *Alphas) end(t CellType) int { return a.start[t][a.edges()] }

// edges is the number of edges of a cell.
func (a *Alphas) edges() int { return a.mask.Space().Edges() }

// Edge is a view of the edge weights of a cell type before the softmax, or nil if there are none.
func (a *Alphas) Edge(t CellType) []float64 {
	if !a.HasEdgeWeights() {
		return nil
	}
	lo := a.operations + int(t)*a.edges()
	return a.view(lo, lo+a.edges())
}

func (a *Alphas) view(lo, hi int) []float64 { return a.values[lo:hi:hi] }

// Equal says whether both have the same layout and the same numbers.
func (a *Alphas) Equal(b *Alphas) bool {
	return a.mask == b.mask && slices.Equal(a.values, b.values)
}

// RestrictTo returns the entries that a smaller mask keeps, with the edge weights.
func (a *Alphas) RestrictTo(mask Mask) (*Alphas, error) {
	r := NewAlphas(mask, a.HasEdgeWeights())
	for _, t := range mask.Space().types {
		for e := range mask.Sets(t) {
			from, row, to := a.mask.At(t, e), a.Row(t, e), r.Row(t, e)
			for i, p := range mask.Primitives(t, e) {
				if !from.Has(p) {
					return nil, fmt.Errorf("alphas: restricted to a mask with %v, which is not among %s (%s)",
						p, joined(a.mask.Primitives(t, e)), edgePlace(t, e))
				}
				to[i] = row[from.Index(p)]
			}
		}
		copy(r.Edge(t), a.Edge(t))
	}
	return r, nil
}
