package prune

import (
	"context"

	"zos-ort/models/space"
)

// Plan is a dry run with constant scores: only the numbers of rounds, networks and remaining operations
// are meaningful, as they do not depend on the scores.
func Plan(c Config, start space.Mask) (Result, error) {
	if err := c.Validate(); err != nil {
		return Result{}, err
	}
	c.Repeats, c.Settle, c.AllowTies = 1, 0, true
	return Run(context.Background(), c, start, equal{}, Progress{}, Observer{})
}

// equal ranks without networks.
type equal struct{}

func (equal) Open(context.Context, space.Mask) (Session, error) { return equal{}, nil }

func (equal) Norms(_ context.Context, _ int, _ []space.Mask, norms Norms, _ func()) error {
	for i := range norms {
		norms[i] = 1
	}
	return nil
}

func (equal) Close() {}

// Networks is the number of networks that a repeat of a round ranks: one without every operation, or
// group of them, and the whole one.
func (c Config) Networks(mask space.Mask) int { return len(c.Pool.groups(mask)) + 1 }
