package prune_test

import (
	"context"
	"fmt"

	"zos-ort/models/space"
	"zos-ort/prune"
)

// likesConvolutions says that a network is worth the number of its separable and dilated convolutions.
type likesConvolutions struct{ mask space.Mask }

func (likesConvolutions) Open(m space.Mask) (prune.Session, error) { return likesConvolutions{m}, nil }

func (s likesConvolutions) Norms(_ context.Context, _ int, without []space.Candidate, norms prune.Norms,
	step func()) error {
	worth := func(m space.Mask) (n float64) {
		for _, t := range space.CellTypes {
			for _, c := range m.Candidates(t) {
				if c.Op >= space.SepConv3x3 {
					n++
				}
			}
		}
		return n
	}
	for i := range norms {
		m := s.mask
		if i < len(without) { // the last norm is that of the whole network
			c := without[i]
			m[c.Cell][c.Edge] = m[c.Cell][c.Edge].Without(c.Op)
		}
		norms[i] = worth(m)
		step()
	}
	return nil
}

func (likesConvolutions) Close() {}

// Algorithm 1 with any ranker: here one that needs no network.
func ExampleRun() {
	c := prune.Config{Xi: .5, Measure: prune.Operations, PerRound: 1, Repeats: 1}
	r, err := prune.Run(context.Background(), c, space.FullMask(), likesConvolutions{}, prune.Progress{},
		prune.Observer{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(r.Rounds), "rounds,", r.Mask.Count(), "operations:", r.Mask[space.Normal][0])
	// Output: 3 rounds, 112 operations: {sep_conv_3x3, sep_conv_5x5, dil_conv_3x3, dil_conv_5x5}
}

// The rounds of a pruning are known before any network is ranked.
func ExamplePlan() {
	c := prune.Config{Xi: .25, Measure: prune.Operations, PerRound: 1, Repeats: 3}
	plan, err := prune.Plan(c, space.FullMask())
	fmt.Println(err, len(plan.Rounds), "rounds,", plan.Mask.Count(), "operations are left")
	// Output: <nil> 5 rounds, 56 operations are left
}
