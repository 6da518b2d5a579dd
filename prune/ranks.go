package prune

import (
	"context"
	"math"

	"zos-ort/models/ranks"
	"zos-ort/models/space"
)

// shared lets the ranks of a group compute the networks of a repeat together, each a part of them, and gives all of
// them to all. What is known of a network does not depend on who computes it, so they rank to the bits of one process.
type shared struct {
	Session
	ranks *ranks.Together
}

// share divides the work of a session, if there are several ranks.
func (c Config) share(s Session, r *ranks.Together) Session {
	if r.Size() == 1 {
		return part{s, c.Shard, c.rankers()}
	}
	return shared{part{s, Shard{Index: r.Rank(), Of: r.Size()}, c.rankers()}, r}
}

// Norms computes this rank's part until it is told to end, and takes the parts of the others as far as they have come.
func (s shared) Norms(_ context.Context, repeat int, networks []space.Mask, norms Norms, step func()) error {
	missing := make([]bool, len(norms))
	for i, x := range norms {
		missing[i] = math.IsNaN(x)
	}
	ctx := s.ranks.Own()
	err := s.Session.Norms(ctx, repeat, networks, norms, step)
	if err != nil && ctx.Err() == nil {
		return err
	}
	all := make([]float64, 2*len(norms)) // the values, and how many ranks know each
	values, known := all[:len(norms)], all[len(norms):]
	for i, x := range norms {
		if missing[i] && !math.IsNaN(x) {
			values[i], known[i] = x, 1
		}
	}
	if err := s.ranks.Sum64(all); err != nil {
		return err
	}
	for i := range norms {
		if known[i] > 0 {
			norms[i] = values[i]
		}
	}
	if err := s.ranks.Agree(); err != nil {
		return err
	}
	return s.ranks.Err()
}
