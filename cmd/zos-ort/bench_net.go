package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"zos-ort/graphgen"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/search"
)

// benchClasses is the number of classes of the networks that are planned and timed: CIFAR-10's.
const benchClasses = 10

// benchProgram is a program that is timed.
type benchProgram struct {
	name string // as the peer knows it
	emit emitter
}

var benchPrograms = []benchProgram{{"weight", graphgen.Spec.WeightStep},
	{"alpha", graphgen.Spec.AlphaStep}, {"rank", graphgen.Spec.Rank}}

// benchCase is a network at a batch size on a number of threads.
type benchCase struct {
	cfg     memoryConfig
	method  method.Method
	mask    space.Mask
	threads int
}

func (c benchCase) String() string {
	if c.cfg.cuda {
		return fmt.Sprintf("%s, batch %d", c.method.Name, c.cfg.Batch)
	}
	return fmt.Sprintf("%s, batch %d, %s", c.method.Name, c.cfg.Batch, count(c.threads, "thread"))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// benchNet is a network in the runtime with its programs, fed and ready to run.
type benchNet struct {
	net     *program.Net
	runners map[string]*program.Runner
	weights int           // trained numbers
	created time.Duration // that the sessions took
}

// open makes the sessions of a case.
func (c benchCase) open(o ort.Options) (*benchNet, error) {
	list, err := c.emit(benchPrograms)
	if err != nil {
		return nil, err
	}
	n, err := openNet(list, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	return n, nil
}

// emit builds the graphs of a case.
func (c benchCase) emit(programs []benchProgram) (list []*graphgen.Program, err error) {
	spec := c.cfg.spec(c.method, c.mask)
	for _, b := range programs {
		p, err := b.emit(spec)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c, err)
		}
		list = append(list, p)
	}
	return list, nil
}

// openNet makes the sessions of the first of benchPrograms on one state and feeds them.
func openNet(list []*graphgen.Program, o ort.Options) (n *benchNet, err error) {
	weight := list[0]
	n = &benchNet{runners: map[string]*program.Runner{}, weights: weight.Weights.Len()}
	v := program.Vectors{Weights: weight.Weights.Initialize(rand.New(rand.NewPCG(1, 2)))}
	n.net, err = program.NewNet(search.Programs{Weight: weight}.Shape(), v, o)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	for i, p := range list {
		r, err := n.net.Open(p)
		if err != nil {
			n.close()
			return nil, err
		}
		n.runners[benchPrograms[i].name] = r
		feed(r)
	}
	n.created = time.Since(start)
	return n, nil
}

func (n *benchNet) close() {
	for _, r := range n.runners {
		r.Close()
	}
	n.net.Close()
}

// step times one run of a program.
func (n *benchNet) step(name string) (time.Duration, error) {
	start := time.Now()
	err := n.runners[name].Run()
	return time.Since(start), err
}

// fastest is the shortest run of a program in seconds: at least so many after a first one, which
// touches all memory for the first time, and more until the end, but no more than most.
func (n *benchNet) fastest(ctx context.Context, name string, least, most int, end time.Time) (float64,
	error) {
	best := math.Inf(1)
	for i := range most + 1 {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if i > least && time.Now().After(end) {
			break
		}
		t, err := n.step(name)
		if err != nil {
			return 0, err
		}
		if i > 0 {
			best = min(best, t.Seconds())
		}
	}
	return best, nil
}

// feed fills the inputs: noise for images, one over the number of operations of a row, roughly, for
// mixing weights.
func feed(r *program.Runner) {
	rng := rand.New(rand.NewPCG(1, 3))
	for _, p := range r.Program.Signature.Inputs {
		switch p.Role {
		case graphgen.Image:
			for i := range r.Float(p.Name) {
				r.Float(p.Name)[i] = float32(rng.NormFloat64())
			}
		case graphgen.MixWeight:
			for i := range r.Float(p.Name) {
				r.Float(p.Name)[i] = .125
			}
		case graphgen.Label:
			for i := range r.Int(p.Name) {
				r.Int(p.Name)[i] = int64(i % 10)
			}
		case graphgen.Rate:
			r.Float(p.Name)[0] = .01
		case graphgen.DropPath: // nothing is dropped
			for i := range r.Float(p.Name) {
				r.Float(p.Name)[i] = 1
			}
		}
	}
}
