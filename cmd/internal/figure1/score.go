package figure1

import (
	"context"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/images"
	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/stages"
	"zos-ort/cmd/internal/surrogate"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
	"zos-ort/prune/ranking"
)

// scorer gives every architecture a number; step is called for each.
type scorer interface {
	scores(ctx context.Context, archs []space.Genotype, step func()) ([]float64, error)
	close()
}

// Scorer reads what the scorer needs, completes the settings with what that is, and returns the
// function that makes the scorer once the runtime is open.
func (s *Settings) Scorer(ctx context.Context, ignoreMemory bool,
	p *terminal.Console) (func() (scorer, error), error) {
	if s.Score == ScoreSurrogate {
		return func() (scorer, error) {
			m, err := s.Surrogate.Open(ctx, s.Threads)
			return predicted{m}, err
		}, nil
	}
	e := s.NNGP
	train, _, err := images.Load(ctx, &e.Images, e.Seed, 0, p)
	if err == nil {
		err = e.CheckImages()
	}
	if err != nil {
		return nil, err
	}
	ranking := memory.Of(*e, settings.StagePruning, space.DARTS.FullMask())
	ranking.What = "the ranking"
	need, err := memory.NeedOf([]memory.Demand{ranking}, memory.HostMemory())
	if err != nil {
		return nil, err
	}
	if err := need.Guard(p, ignoreMemory); err != nil {
		return nil, err
	}
	return func() (scorer, error) {
		ranker, err := stages.Ranker(ctx, *e, new(device.Device), train)
		return nngp{ranker, e.Ranking.Repeats}, err
	}, nil
}

// nngp scores by the ranking kernel of Algorithm 1.
type nngp struct {
	*ranking.Supernet
	repeats int
}

func (n nngp) scores(ctx context.Context, archs []space.Genotype, step func()) ([]float64, error) {
	calls := 0
	return n.Score(ctx, archs, n.repeats, func() {
		if calls++; calls%n.repeats == 0 {
			step()
		}
	})
}

func (n nngp) close() {}

// predicted scores by the accuracy that a surrogate predicts.
type predicted struct{ *surrogate.Model }

func (p predicted) scores(ctx context.Context, archs []space.Genotype, step func()) ([]float64, error) {
	return p.Accuracies(ctx, archs, step)
}

func (p predicted) close() { p.Close() }
