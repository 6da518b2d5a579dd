package space

import (
	"fmt"
	"math"
	"slices"
)

// MixWeights gives the mixing weights of a cell type in flat order: the softmax of every row
// (eq. 1 of the paper; masked operations take no part). It writes to dst if that is large enough.
func (a *Alphas) MixWeights(dst []float64, t CellType) []float64 {
	first := a.start[t][0]
	dst = resize(dst, a.end(t)-first)
	for e := range a.edges() {
		softmax(dst[a.start[t][e]-first:a.start[t][e+1]-first], a.Row(t, e))
	}
	return dst
}

// MixBackward adds to grad the gradient with respect to the operations of a cell type, given the
// gradient dw with respect to MixWeights.
func (a *Alphas) MixBackward(grad *Alphas, t CellType, dw []float64) error {
	if err := a.sameLayout(grad); err != nil {
		return err
	}
	first := a.start[t][0]
	if n := a.end(t) - first; len(dw) != n {
		return fmt.Errorf("alphas: the gradient of the mixing weights has %d numbers, wants %d (%v)",
			len(dw), n, t)
	}
	for e := range a.edges() {
		var w [MaxOperations]float64
		row := a.Row(t, e)
		softmax(w[:], row)
		addSoftmaxVJP(grad.Row(t, e), w[:len(row)], dw[a.start[t][e]-first:])
	}
	return nil
}

// EdgeWeights gives the edge weights of a cell type: the softmax over the edges into each node
// (section 3.3 of the PC-DARTS paper). It is nil if there are none, and writes to dst if that is
// large enough.
func (a *Alphas) EdgeWeights(dst []float64, t CellType) []float64 {
	beta := a.Edge(t)
	if beta == nil {
		return nil
	}
	dst = resize(dst, a.edges())
	for node := range a.mask.Space().nodes {
		lo, hi := a.mask.Space().NodeEdges(node)
		softmax(dst[lo:hi], beta[lo:hi])
	}
	return dst
}

// EdgeBackward adds to grad the gradient with respect to Edge(t), given the gradient dw with
// respect to EdgeWeights.
func (a *Alphas) EdgeBackward(grad *Alphas, t CellType, dw []float64) error {
	if err := a.sameLayout(grad); err != nil {
		return err
	}
	beta, dbeta := a.Edge(t), grad.Edge(t)
	if len(dw) != len(beta) {
		return fmt.Errorf("alphas: the gradient of the edge weights has %d numbers, wants %d (%v)",
			len(dw), len(beta), t)
	}
	if beta == nil {
		return nil
	}
	for node := range a.mask.Space().nodes {
		var w [MaxNodes + 1]float64
		lo, hi := a.mask.Space().NodeEdges(node)
		softmax(w[:], beta[lo:hi])
		addSoftmaxVJP(dbeta[lo:hi], w[:hi-lo], dw[lo:hi])
	}
	return nil
}

func (a *Alphas) sameLayout(grad *Alphas) error {
	if a.mask != grad.mask || len(a.values) != len(grad.values) {
		return fmt.Errorf("alphas: gradient of %d numbers for alphas of %d, or of another mask",
			len(grad.values), len(a.values))
	}
	return nil
}

// AddBetaRegularizer is the regulariser of beta-DARTS: its value is lambda times the sum over cell
// types of the mean over edges of logsumexp(row), and it adds the gradient, lambda/14 softmax(row) for 14 edges,
// to grad, which has the layout of a. The edge weights are not regularised.
func (a *Alphas) AddBetaRegularizer(grad *Alphas, lambda float64) (float64, error) {
	if err := a.sameLayout(grad); err != nil {
		return 0, err
	}
	value := 0.0
	for _, t := range a.mask.Space().types {
		for e := range a.edges() {
			row := a.Row(t, e)
			if len(row) == 0 {
				continue
			}
			var w [MaxOperations]float64
			softmax(w[:], row)
			for i, g := range grad.Row(t, e) {
				grad.Row(t, e)[i] = g + lambda/float64(a.edges())*w[i]
			}
			value += lambda / float64(a.edges()) * logSumExp(row)
		}
	}
	return value, nil
}

// DecayBeta takes a step of the given size against the gradient of the regulariser of
// AddBetaRegularizer for lambda = 1, without the mean of every row, which no mixing weight depends
// on: row -= step/14 (softmax(row) - 1/n).
func (a *Alphas) DecayBeta(step float64) {
	for _, t := range a.mask.Space().types {
		for e := range a.edges() {
			row := a.Row(t, e)
			var w [MaxOperations]float64
			softmax(w[:], row)
			for i := range row {
				row[i] -= step / float64(a.edges()) * (w[i] - 1/float64(len(row)))
			}
		}
	}
}

// RowEntropy is the entropy in nats of the mixing weights of an edge: ln of the number of
// operations when they are equal, 0 when one has all the weight.
func (a *Alphas) RowEntropy(t CellType, e int) float64 {
	var w [MaxOperations]float64
	row := a.Row(t, e)
	softmax(w[:], row)
	h := 0.0
	for _, p := range w[:len(row)] {
		if p > 0 {
			h -= p * math.Log(p)
		}
	}
	return h
}

// Entropy is the mean of RowEntropy over the edges of a cell type.
func (a *Alphas) Entropy(t CellType) float64 {
	sum := 0.0
	for e := range a.edges() {
		sum += a.RowEntropy(t, e)
	}
	return sum / float64(a.edges())
}

// resize gives a slice of length n that reuses the memory of dst where it can.
func resize(dst []float64, n int) []float64 { return slices.Grow(dst[:0], n)[:n] }
