package meter

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"zos-ort/graphgen"
	"zos-ort/ort"
	"zos-ort/ort/program"
)

// Net is a network in the runtime with its programs, fed with noise and ready to run: the cost of a
// program does not depend on its numbers.
type Net struct {
	Weights int           // trained numbers
	Created time.Duration // time taken to create the sessions

	net     *program.Net
	runners map[string]*program.Runner // by the program's name
}

// OpenNet makes sessions for programs that share the state of the first program, and feeds them.
func OpenNet(list []*graphgen.Program, o ort.Options) (n *Net, err error) {
	first := list[0]
	n = &Net{runners: map[string]*program.Runner{}, Weights: first.Weights.Len()}
	v := program.Vectors{Weights: Noise(first)}
	n.net, err = program.NewNet(program.Shape{Weights: first.Weights, Stats: first.Stats}, v, o)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	for _, p := range list {
		r, err := n.net.Open(p)
		if err != nil {
			n.Close()
			return nil, err
		}
		n.runners[p.Name] = r
		Feed(r)
	}
	n.Created = time.Since(start)
	return n, nil
}

// Noise returns fresh weights for a program.
func Noise(p *graphgen.Program) []float32 {
	return p.Weights.Initialize(rand.New(rand.NewPCG(1, 2)))
}

// Close releases the sessions and the state.
func (n *Net) Close() {
	for _, r := range n.runners {
		r.Close()
	}
	n.net.Close()
}

// Step times one run of a program.
func (n *Net) Step(name string) (time.Duration, error) {
	start := time.Now()
	err := n.runners[name].Run()
	return time.Since(start), err
}

// Fastest returns the shortest run of a program in seconds. After a first run, which touches all
// memory for the first time, it makes at least the given number of runs, and more until the end,
// but no more than most.
func (n *Net) Fastest(ctx context.Context, name string, least, most int, end time.Time) (float64, error) {
	best := math.Inf(1)
	for i := range most + 1 {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if i > least && time.Now().After(end) {
			break
		}
		t, err := n.Step(name)
		if err != nil {
			return 0, err
		}
		if i > 0 {
			best = min(best, t.Seconds())
		}
	}
	return best, nil
}

// Feed fills the inputs of a program: noise for images, and about one over the number of operations
// of an edge for mixing weights.
func Feed(r *program.Runner) {
	rng := rand.New(rand.NewPCG(1, 3))
	for i := range r.Images {
		r.Images[i] = float32(rng.NormFloat64())
	}
	for i := range r.Labels {
		r.Labels[i] = int64(i % 10)
	}
	for _, p := range r.Program.Signature.Inputs {
		if p.Role == graphgen.MixWeight {
			fill(r.Mix(p.Mix).Weights, .125)
		}
	}
	fill(r.Rate, .01)
	fill(r.DropPath, 1) // nothing is dropped
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}
