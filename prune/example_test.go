package prune_test

import (
	"context"
	"fmt"

	"zos-ort/models/space"
	"zos-ort/prune"
)

// likesConvolutions says that a network is worth the number of its separable and dilated convolutions.
type likesConvolutions struct{}

func (likesConvolutions) Open(context.Context, space.Mask) (prune.Session, error) {
	return likesConvolutions{}, nil
}

func (likesConvolutions) Norms(_ context.Context, _ int, networks []space.Mask, norms prune.Norms,
	step func()) error {
	for i, m := range networks {
		norms[i] = 0
		for _, t := range space.DARTS.CellTypes() {
			for _, c := range m.Candidates(t) {
				if c.Op.Index() >= space.SepConv3x3.Index() {
					norms[i]++
				}
			}
		}
		step()
	}
	return nil
}

func (likesConvolutions) Close() {}

// Algorithm 1 with any ranker: here one that needs no network.
func ExampleRun() {
	c := prune.Config{Xi: .5, Measure: prune.Operations, PerRound: 1, Repeats: 1}
	r, err := prune.Run(context.Background(), c, space.DARTS.FullMask(), likesConvolutions{}, prune.Progress{},
		prune.Observer{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(r.Rounds), "rounds,", r.Mask.Count(), "operations:", r.Mask.Primitives(space.Normal, 0))
	// Output: 3 rounds, 112 operations: [sep_conv_3x3 sep_conv_5x5 dil_conv_3x3 dil_conv_5x5]
}

// The rounds of a pruning are known before any network is ranked.
func ExamplePlan() {
	c := prune.Config{Xi: .25, Measure: prune.Operations, PerRound: 1, Repeats: 3}
	plan, err := prune.Plan(c, space.DARTS.FullMask())
	fmt.Println(err, len(plan.Rounds), "rounds,", plan.Mask.Count(), "operations are left")
	// Output: <nil> 5 rounds, 56 operations are left
}
