// Package latency measures on this machine what operations and whole networks take when they are deployed.
package latency

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"time"

	"zos-ort/cmd/internal/costs"
	"zos-ort/cmd/internal/deploy"
	"zos-ort/cmd/internal/host"
	"zos-ort/graphgen"
	quantize "zos-ort/graphgen/deploy"
	"zos-ort/graphgen/ir"
	"zos-ort/models/network"
	"zos-ort/ort"
	"zos-ort/ort/program"
)

// subject is a deployed network whose runs are timed. Its file lies in a folder for as long as the measurement goes on:
// many networks together would need much memory.
type subject struct {
	file  string
	image int
	times []float64 // medians of visits, in milliseconds
}

// newSubject builds and saves a network.
func newSubject(file string, s costs.Setting, image int, spec graphgen.Spec, rng *rand.Rand) (*subject, error) {
	g, err := deployed(s, image, spec, rng)
	if err != nil {
		return nil, err
	}
	b, err := deploy.File(g, "", nil)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return nil, fmt.Errorf("save a network to measure: %w", err)
	}
	return &subject{file: file, image: image}, nil
}

// deployed is the graph of a network in the precision that is asked for, with random weights.
func deployed(s costs.Setting, image int, spec graphgen.Spec, rng *rand.Rand) (*ir.Graph, error) {
	p, err := spec.Evaluate()
	if err != nil {
		return nil, err
	}
	t := program.Fresh(p, weights(p.Weights, rng))
	form := network.Deployment{Size: image, Std: [3]float32{1, 1, 1}}
	g, err := form.Graph(t, spec.Forward)
	if err != nil || s.Precision != costs.INT8 {
		return g, err
	}
	watched, err := form.Graph(t, spec.Forward)
	if err != nil {
		return nil, err
	}
	n, err := quantize.Observe(watched)
	if err != nil {
		return nil, err
	}
	ranges := make([]quantize.Range, n) // they do not change how long integers take
	for i := range ranges {
		ranges[i] = quantize.Range{Max: 6}
	}
	return g, quantize.Quantize(g, ranges)
}

// weights keep the size of activations from layer to layer (He et al. 2015). With those of PyTorch's defaults and
// running statistics of an untrained network they would fade, and denormal numbers take many times as long.
func weights(l graphgen.Layout, rng *rand.Rand) []float32 {
	v := l.Initialize(rng)
	for _, e := range l {
		if e.Init.Bound == 0 {
			continue
		}
		for i := range v[e.Offset : e.Offset+e.Len()] {
			v[e.Offset+i] *= float32(math.Sqrt(6))
		}
	}
	return v
}

// Runs of a visit: some that warm up, then as many as a time allows.
const (
	warmRuns  = 3
	leastRuns = 5
	mostRuns  = 50
	visitTime = 60 * time.Millisecond
)

// visit opens the network, times some runs, and closes it: threads of sessions that stay open wait for work by spinning,
// and would take the processors from the next.
func (x *subject) visit(ctx context.Context, s costs.Setting) error {
	model, err := os.ReadFile(x.file)
	if err != nil {
		return fmt.Errorf("read a network to measure: %w", err)
	}
	session, err := ort.NewInference(model, deploy.SessionOptions(s.Threads))
	if err != nil {
		return err
	}
	defer session.Close()
	in, err := ort.NewTensor(ort.Float, s.Batch, 3, x.image, x.image)
	if err != nil {
		return err
	}
	defer in.Close()
	for i := range in.Float32() {
		in.Float32()[i] = float32(i%256) / 255
	}
	ms, err := repeat(func() (float64, error) { return timed(ctx, session, in, s.Threads) })
	x.times = append(x.times, ms)
	return err
}

// repeat is the median of repeated runs after some that warm up.
func repeat(run func() (ms float64, err error)) (float64, error) {
	var times []float64
	total := 0.
	for i := range warmRuns + mostRuns {
		ms, err := run()
		if err != nil {
			return 0, err
		}
		if i < warmRuns {
			continue
		}
		times = append(times, ms)
		if total += ms; len(times) >= leastRuns && total > float64(visitTime.Milliseconds()) {
			break
		}
	}
	return median(times), nil
}

// median of numbers, of which there is one.
func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

// timed runs a network once. A network that runs on one thread takes as long as its thread runs: so other programs
// on the processors cost it nothing. Several threads wait for each other, and take what the clock shows.
func timed(ctx context.Context, session *ort.Inference, in *ort.Tensor, threads int) (ms float64, err error) {
	clock := sinceStart
	if threads == 1 {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		clock = host.ThreadTime
	}
	before, err := clock()
	if err != nil {
		return 0, err
	}
	out, err := session.Run(ctx, map[string]*ort.Tensor{network.ImageInput: in})
	for _, t := range out {
		defer t.Close()
	}
	if err != nil {
		return 0, err
	}
	after, err := clock()
	return (after - before).Seconds() * 1e3, err
}

var start = time.Now()

// sinceStart is the time of the monotonic clock.
func sinceStart() (time.Duration, error) { return time.Since(start), nil }
