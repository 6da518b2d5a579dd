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

// lawEmpty is the law of edges that RandomMask repairs.
const lawEmpty = "the edge had no operation"

// lawUsable is the law of nodes.
func (s *Space) lawUsable(node int) string {
	if s.Takes(node) == 1 {
		return "the node had no edge with an operation other than none"
	}
	return fmt.Sprintf("the node had fewer than %d edges with an operation other than none", s.Takes(node))
}

// String is like "normal/edge3/sep_conv_3x3 restored: the edge had no operation".
func (r Repair) String() string { return fmt.Sprintf("%v restored: %s", r.Candidate, r.Law) }

// RandomMask keeps each operation with probability keep (Bernoulli masks of the
// paper), and then restores the few that Validate misses: a random operation on an empty edge, and
// a random operation other than none on random edges of a node with too few usable ones.
// The repairs are reported because they move the mask away from the Bernoulli distribution.
func (s *Space) RandomMask(rng *rand.Rand, keep float64) (Mask, []Repair) {
	m, full := s.EmptyMask(), s.FullMask()
	for t, e := range full.Places() {
		for _, p := range full.Primitives(t, e) {
			if rng.Float64() < keep {
				m.sets[t][e] = m.sets[t][e].With(p)
			}
		}
	}
	var repairs []Repair
	for _, t := range s.types {
		repairs = append(repairs, m.repairSets(rng, t)...)
		for node := range s.nodes {
			repairs = append(repairs, m.repairNode(rng, t, node)...)
		}
	}
	return m, repairs
}

func (m *Mask) repairSets(rng *rand.Rand, t CellType) []Repair {
	var repairs []Repair
	for e, s := range m.Sets(t) {
		if s.Empty() {
			ops := m.Space().FullMask().Primitives(t, e)
			repairs = append(repairs, m.restore(t, e, ops[rng.IntN(len(ops))], lawEmpty))
		}
	}
	return repairs
}

func (m *Mask) repairNode(rng *rand.Rand, t CellType, node int) []Repair {
	var repairs []Repair
	s := m.Space()
	lo, hi := s.NodeEdges(node)
	for m.usableEdges(t, node) < s.Takes(node) {
		e := lo + rng.IntN(hi-lo)
		ops := s.Members(s.FullMask().Genes(t, e))
		if m.choices(t, e) > 0 || len(ops) == 0 {
			continue
		}
		repairs = append(repairs, m.restore(t, e, ops[rng.IntN(len(ops))], s.lawUsable(node)))
	}
	return repairs
}

func (m *Mask) restore(t CellType, e int, p Primitive, law string) Repair {
	m.sets[t][e] = m.sets[t][e].With(p)
	return Repair{Candidate{t, e, p}, law}
}
