package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// gpuWarmUps are the steps of a program on a GPU that do not count: in the first, cuDNN's algorithms
// are searched for and PyTorch compiles; the others find memory where the first has left it.
const gpuWarmUps = 3

// gpuSide makes steps on a GPU that it has to itself.
type gpuSide interface {
	clear() error // gives memory that is not in use back to the device
	reset() error // begins the peaks anew
	step(program string) (gpuStep, error)
}

// gpuStep is the time of a step, and the peaks since the last reset in bytes.
type gpuStep struct {
	seconds        float64
	peak, reserved int64
}

// alone times a case on a GPU, each side in about its part of the given time. Nothing else is at work
// there, so turns would gain nothing; the sides follow each other because two networks at a time would
// need the memory of both.
func (b *bencher) alone(ctx context.Context, c Case, share time.Duration) ([]benchResult, error) {
	programs, err := c.emit()
	if err != nil {
		return nil, err
	}
	results := c.results()
	part := share / time.Duration(len(results)*(1+len(b.all)))
	if err := b.oursAlone(ctx, c, programs, results, part); err != nil {
		return nil, err
	}
	return results, b.modesAlone(ctx, results, programs[0].Weights.Len(), part)
}

// oursAlone times our side of a case, and gives the GPU back.
func (b *bencher) oursAlone(ctx context.Context, c Case, programs []*graphgen.Program,
	results []benchResult, part time.Duration) (err error) {
	if err := ort.ResetPool(); err != nil {
		return err
	}
	net, err := meter.OpenNet(programs, ort.Options{Threads: c.Device.Threads, CUDA: b.device.CUDA})
	if err != nil {
		return b.lack(results, err)
	}
	defer func() {
		net.Close()
		err = errors.Join(err, ort.TrimPool())
	}()
	for i := range results {
		err := timeAlone(ctx, &results[i], ours, gpuNet{network{net}}, part)
		if err != nil {
			err = b.lack(results[i:i+1], err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lack records that our side ran out of the GPU's memory, if it did; any other error is returned.
func (b *bencher) lack(results []benchResult, err error) error {
	c := results[0].c
	err = b.device.Explain(fmt.Errorf("%s: %w", c, err), c.demand())
	var refused *terminal.Hinted
	if !errors.As(err, &refused) {
		return err
	}
	for i := range results {
		results[i].side(ours).fail(errMemory)
	}
	b.console.Say("%s: %v", c, err)
	return nil
}

// demand predicts the peak of the steps of a case.
func (c Case) demand() memory.Demand {
	return memory.Demand{What: "a step", Flag: "--batch", Batch: c.batch(), Peak: func(batch int) (int, error) {
		c.Search.Batch = batch
		list, err := c.steps()
		return memory.PeakOf(c.Experiment, list), err
	}}
}

// modesAlone times the peer's side of a case in the modes that have not failed for good.
func (b *bencher) modesAlone(ctx context.Context, results []benchResult, weights int,
	part time.Duration) error {
	for _, mode := range slices.Clone(b.all) {
		if !slices.Contains(b.all, mode) {
			continue
		}
		if err := b.peerAlone(ctx, mode, results, weights, part); err != nil {
			return err
		}
	}
	return nil
}

// peerAlone times the peer's side of a case in a mode, and makes it give the GPU back.
func (b *bencher) peerAlone(ctx context.Context, mode string, results []benchResult, weights int,
	part time.Duration) error {
	if err := b.peer.build(results[0].c, mode, weights); err != nil {
		b.lose(results, mode, err)
	}
	for i := range results {
		if !slices.Contains(b.all, mode) || results[i].side(mode).Error != "" {
			continue
		}
		err := timeAlone(ctx, &results[i], mode, gpuPeer{b.peer, mode}, part)
		if err := ctx.Err(); err != nil {
			return err
		}
		if err != nil {
			b.lose(results[i:i+1], mode, err)
		}
	}
	_ = b.peer.do("drop") // if it cannot, it will say so when it is to build the next
	return ctx.Err()
}

// timeAlone times a program on a side, and takes its peaks without those of the first steps.
func timeAlone(ctx context.Context, r *benchResult, name string, s gpuSide, part time.Duration) error {
	if err := s.clear(); err != nil {
		return err
	}
	var end time.Time
	for i := range gpuWarmUps + maxRounds {
		if err := ctx.Err(); err != nil {
			return err
		}
		if i == gpuWarmUps {
			if err := s.reset(); err != nil {
				return err
			}
			end = time.Now().Add(part)
		}
		if i >= gpuWarmUps+minRounds && time.Now().After(end) {
			break
		}
		x, err := s.step(r.Program)
		if err != nil {
			return err
		}
		if to := r.side(name); i >= gpuWarmUps {
			to.Seconds = append(to.Seconds, x.seconds)
			to.Peak, to.Reserved = x.peak, x.reserved
		}
	}
	return nil
}

// gpuNet is our side.
type gpuNet struct{ network }

func (gpuNet) clear() error { return ort.TrimPool() }

func (gpuNet) reset() error { return ort.ResetPool() }

func (n gpuNet) step(program string) (gpuStep, error) {
	t, err := n.network.step(program)
	if err != nil {
		return gpuStep{}, err
	}
	s, err := ort.Pool()
	return gpuStep{t.Seconds(), s.Peak, s.Reserved}, err
}

// gpuPeer is the peer's side in a mode.
type gpuPeer struct {
	*peer
	mode string
}

func (p gpuPeer) clear() error { return p.do("clear") }

func (p gpuPeer) reset() error { return p.do("reset") }

func (p gpuPeer) step(program string) (gpuStep, error) {
	r, err := p.peer.step(p.mode, program)
	return gpuStep{r.Seconds, r.Peak, r.Reserved}, err
}
