package settings

import (
	"zos-ort/models/space"
	"zos-ort/prune"
)

// PlannedRound is a round of a pruning as it is known beforehand.
type PlannedRound struct {
	Ranked int `json:"ranked_operations"`
	// Networks is the number of forward passes: one without each operation, or group of pooled ones, and
	// one with all, for every repeat. Fewer repeats may settle a round.
	Networks int `json:"networks"`
	Left     int `json:"left_operations"`

	Mask space.Mask `json:"-"` // how many operations every edge keeps; which ones has no meaning
}

// Rounds describes the rounds of a planned pruning.
func (e Experiment) Rounds(plan prune.Result) (list []PlannedRound) {
	before := e.RankedSpace()
	for _, r := range plan.Rounds {
		n := before.Count()
		list = append(list, PlannedRound{Ranked: n, Networks: e.Ranking.Repeats * e.Pruning().Networks(before),
			Left: r.Mask.Count(), Mask: r.Mask})
		before = r.Mask
	}
	return list
}

// RankedSpace is what the first round of a pruning ranks.
func (e Experiment) RankedSpace() space.Mask {
	full := e.Space.Of().FullMask()
	if e.Ranking.KeepNone {
		return full
	}
	return full.Drop(space.None)
}
