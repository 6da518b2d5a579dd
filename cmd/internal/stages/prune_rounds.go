package stages

import (
	"fmt"
	"math"
	"slices"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/prune"
)

// RoundInfo says what a round of a pruning did, and how sure it is.
type RoundInfo struct {
	Norm    float64 `json:"kernel_norm"`
	Repeats int     `json:"initialisations"`
	Removed int     `json:"removed_operations"`
	Left    int     `json:"left_operations"`
	// Certainty is the median number of standard errors by which a removed operation scores below the
	// lowest one that stays on its edge; missing with a single initialisation.
	Certainty *float64 `json:"certainty,omitempty"`
}

func roundsInfo(rounds []prune.Round) (list []RoundInfo) {
	for _, r := range rounds {
		info := RoundInfo{Norm: r.Norm, Repeats: r.Repeats, Removed: len(r.Removed), Left: r.Mask.Count()}
		if z := medianCertainty(r); !math.IsNaN(z) && !math.IsInf(z, 0) {
			info.Certainty = &z
		}
		list = append(list, info)
	}
	return list
}

// medianCertainty is NaN where nothing is known.
func medianCertainty(r prune.Round) float64 {
	sorted := slices.DeleteFunc(slices.Clone(r.Certainty), math.IsNaN)
	if len(sorted) == 0 {
		return math.NaN()
	}
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

// sureness is the end of the line about a round.
func sureness(r prune.Round) string {
	z := medianCertainty(r)
	if math.IsNaN(z) {
		return ""
	}
	return fmt.Sprintf(" (each %.1f standard errors below the next, in the median)", z)
}

// sure is the certainty, in standard errors, from which on a difference is believed.
const sure = 2

// warnUnsure tells that a ranking is mostly noise.
func warnUnsure(rounds []prune.Round, p *terminal.Console) {
	for i, r := range rounds {
		switch z := medianCertainty(r); {
		case r.Repeats == 1:
			p.Warn("operations were ranked with one initialisation: nothing says how much of the ranking is chance; " +
				"use more --repeats")
			return
		case z < sure:
			p.Warn("the ranking of round %d is mostly noise: in the median an operation that goes scores %.1f standard "+
				"errors below the next one; --pool network or more --repeats make it surer", i+1, z)
			return
		}
	}
}
