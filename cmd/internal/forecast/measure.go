package forecast

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen/pass"
	"zos-ort/models/ranks"
	"zos-ort/models/safe"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// Steps of a program that are timed: the first touches all memory for the first time and does not count; after that, as
// many as fit into the time, one at least. Their median is what others programs on the machine disturb least.
const (
	timedFor   = 400 * time.Millisecond
	mostTimed  = 5
	longestRun = .4 // seconds by arithmetic; a program that takes longer is timed on a part of the batch
	leastBatch = 4
)

// measure times the programs of a stage on all ranks, and the sums between them.
func (s *stage) measure(ctx context.Context, d *device.Device, g ranks.Group) error {
	err := s.timePrograms(ctx, d)
	if err == nil {
		err = ctx.Err()
	}
	if err := ranks.Agree(g, err, nil); err != nil {
		return err
	}
	return s.share(g)
}

// timePrograms times the programs on this rank. Steps of seconds are timed on fewer images, and their time follows from
// the arithmetic of both.
func (s *stage) timePrograms(ctx context.Context, d *device.Device) error {
	small := *s
	if batch := s.batch(); batch < s.experiment.Batch(s.at) {
		small.experiment = s.experiment.WithBatch(s.at, batch)
		if err := small.guess(); err != nil {
			return err
		}
	}
	times := map[string]float64{}
	var err error
	if s.at == settings.StagePruning {
		err = small.timeRanking(ctx, d, times)
	} else {
		err = d.WithArena(func() error { return small.timeSteps(ctx, d.Options(s.experiment), times) })
	}
	if err != nil {
		return fmt.Errorf("timing %s: %w", s.what, err)
	}
	for _, p := range small.programs {
		times[p.Name] *= s.seconds[p.Name] / pass.StepTime(p.Graph, s.target)
	}
	s.seconds, s.opening = times, small.opening
	return nil
}

// batch is that on which the slowest program takes a moment.
func (s *stage) batch() int {
	batch, slowest := s.experiment.Batch(s.at), 0.
	for _, t := range s.seconds {
		slowest = max(slowest, t)
	}
	if slowest <= longestRun {
		return batch
	}
	return max(min(batch, leastBatch), int(float64(batch)*longestRun/slowest))
}

// timeSteps times the programs of a state one after the other.
func (s *stage) timeSteps(ctx context.Context, o ort.Options, times map[string]float64) error {
	net, err := meter.OpenNet(s.programs, o)
	if err != nil {
		return err
	}
	defer net.Close()
	s.opening = net.Created.Seconds()
	for _, p := range s.programs {
		var list []float64
		end := time.Now().Add(timedFor)
		for i := 0; i < 2 || i <= mostTimed && time.Now().Before(end); i++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			t, err := net.Step(p.Name)
			if err != nil {
				return err
			}
			if i > 0 {
				list = append(list, t.Seconds())
			}
		}
		slices.Sort(list)
		times[p.Name] = list[len(list)/2]
	}
	return nil
}

// timeRanking times networks that are ranked side by side, as the workers of a pruning do: one session serves them all.
func (s *stage) timeRanking(ctx context.Context, d *device.Device, times map[string]float64) error {
	workers := s.experiment.RankingSessions()
	for _, p := range s.programs {
		start := time.Now()
		trial, err := meter.NewTrial(p, ort.Options{Threads: 1, Dump: s.experiment.Execution.Dump, CUDA: d.CUDA})
		if err != nil {
			return err
		}
		s.opening += time.Since(start).Seconds()
		for _, counted := range []bool{false, true} {
			if times[p.Name], err = sideBySide(ctx, trial, workers, counted); err != nil {
				break
			}
		}
		trial.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// sideBySide is the time of a run where workers run a program at the same time, each once or for a while.
func sideBySide(ctx context.Context, trial *meter.Trial, workers int, lasting bool) (float64, error) {
	var runs atomic.Int64
	start := time.Now()
	jobs := make([]int, workers)
	err := safe.Share(ctx, workers, jobs, func(int, int) error {
		for i := 0; i == 0 || lasting && i < mostTimed && time.Since(start) < timedFor; i++ {
			outputs, _, err := trial.Run(ctx)
			meter.CloseTensors(outputs)
			if err != nil {
				return err
			}
			runs.Add(1)
		}
		return nil
	})
	return time.Since(start).Seconds() / float64(max(1, runs.Load())), err
}
