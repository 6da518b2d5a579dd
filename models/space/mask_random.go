package space

import (
	"fmt"
	"math/rand/v2"
)

// Repair is an operation that a random mask got back because it could not be searched without.
type Repair struct {
	Candidate
	Law string `json:"law"` // what was broken
}

// The laws that RandomMask repairs.
const (
	lawEmpty  = "the edge had no operation"
	lawUsable = "the node had fewer than 2 edges with an operation other than none"
)

// String is like "normal/edge3/sep_conv_3x3 restored: the edge had no operation".
func (r Repair) String() string { return fmt.Sprintf("%v restored: %s", r.Candidate, r.Law) }

// RandomMask keeps each of the 224 operations with probability keep (Bernoulli masks of the
// paper), and then restores the few that Validate misses: a random operation on an empty edge, and
// a random operation other than none on random edges of a node with fewer than two usable ones.
// The repairs are reported because they move the mask away from the Bernoulli distribution.
func RandomMask(rng *rand.Rand, keep float64) (Mask, []Repair) {
	var m Mask
	for _, t := range CellTypes {
		for e := range m[t] {
			for p := range Primitive(NumPrimitives) {
				if rng.Float64() < keep {
					m[t][e] = m[t][e].With(p)
				}
			}
		}
	}
	var repairs []Repair
	for _, t := range CellTypes {
		repairs = append(repairs, m.repairSets(rng, t)...)
		for node := range Nodes {
			repairs = append(repairs, m.repairNode(rng, t, node)...)
		}
	}
	return m, repairs
}

func (m *Mask) repairSets(rng *rand.Rand, t CellType) []Repair {
	var repairs []Repair
	for e, s := range m[t] {
		if s.Empty() {
			repairs = append(repairs, m.restore(t, e, Primitive(rng.IntN(NumPrimitives)), lawEmpty))
		}
	}
	return repairs
}

func (m *Mask) repairNode(rng *rand.Rand, t CellType, node int) []Repair {
	var repairs []Repair
	lo, hi := NodeEdges(node)
	for m.usableEdges(t, node) < 2 {
		e := lo + rng.IntN(hi-lo)
		if m[t][e].Usable() {
			continue
		}
		p := Primitive(1 + rng.IntN(NumPrimitives-1))
		repairs = append(repairs, m.restore(t, e, p, lawUsable))
	}
	return repairs
}

func (m *Mask) restore(t CellType, e int, p Primitive, law string) Repair {
	m[t][e] = m[t][e].With(p)
	return Repair{Candidate{t, e, p}, law}
}
