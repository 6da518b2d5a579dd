package stages

import (
	"math"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
)

// Entropy is the mean entropy of the mixing weights of an edge, in nats: how far a search has decided.
type Entropy struct {
	Start float64 `json:"start"` // of equal weights
	End   float64 `json:"end"`
}

// undecided is the part of its start by which the entropy must fall, or the search is said not to have decided.
const undecided = .05

func entropyOf(mask space.Mask, alphas *space.Alphas) *Entropy {
	var e Entropy
	types := mask.Space().CellTypes()
	for _, t := range types {
		for _, set := range mask.Sets(t) {
			e.Start += math.Log(float64(set.Len())) / float64(len(types)*mask.Space().Edges())
		}
		e.End += alphas.Entropy(t) / float64(len(types))
	}
	return &e
}

// fall is the part of the start by which the entropy has fallen.
func (e Entropy) fall() float64 {
	if e.Start == 0 { // one operation on every edge
		return 1
	}
	return (e.Start - e.End) / e.Start
}

// decided is the part of its start below which nothing is left to decide.
const decided = .01

// fastest is the rate of the alphas from which on a single step of Adam, which moves every alpha by about the rate,
// decides an edge.
const fastest = 1.

// warnRate tells that the first batches will decide.
func warnRate(rate float64, p *terminal.Console) {
	if rate > fastest {
		p.Warn("--alpha-lr %v moves the alphas by about as much in a single step: the first batches decide the search; "+
			"usual are 1e-4 to 1e-1, and 0 chooses one", rate)
	}
}

// warn tells that the genotype follows from next to nothing.
func (e Entropy) warn(p *terminal.Console) {
	if e.Start > 0 && e.End < decided*e.Start {
		p.Warn("the search has decided for good: the entropy of the mixing weights is %.2g of its start; with a rate "+
			"(--alpha-lr) this high, or this many epochs, early steps decide", e.End/e.Start)
	}
	if e.fall() < undecided {
		p.Warn("the search did not decide: the entropy of the mixing weights fell by %.1f %% only; more epochs "+
			"(--epochs) or a higher rate (--alpha-lr) let the alphas move", 100*e.fall())
	}
}
