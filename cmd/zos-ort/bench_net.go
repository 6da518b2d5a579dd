package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"zos-ort/graphgen"
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
	method  method
	mask    space.Mask
	threads int
}

func (c benchCase) String() string {
	return fmt.Sprintf("%s, batch %d, %s", c.method.name, c.cfg.Batch, count(c.threads, "thread"))
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
	weights int // trained numbers
}

// open makes the sessions of a case.
func (c benchCase) open(o ort.Options) (*benchNet, error) {
	n := &benchNet{runners: map[string]*program.Runner{}}
	spec := c.cfg.spec(c.method, c.mask)
	for _, b := range benchPrograms {
		p, err := b.emit(spec)
		if err == nil && n.net == nil {
			n.weights = p.Weights.Len()
			shape := search.Programs{Weight: p}.Shape()
			v := program.Vectors{Weights: p.Weights.Initialize(rand.New(rand.NewPCG(1, 2)))}
			n.net, err = program.NewNet(shape, v, o)
		}
		if err == nil {
			n.runners[b.name], err = n.net.Open(p)
		}
		if err != nil {
			n.close()
			return nil, fmt.Errorf("%s: %w", c, err)
		}
		feed(n.runners[b.name])
	}
	return n, nil
}

func (n *benchNet) close() {
	for _, r := range n.runners {
		if r != nil {
			r.Close()
		}
	}
	if n.net != nil {
		n.net.Close()
	}
}

// step times one run of a program.
func (n *benchNet) step(name string) (time.Duration, error) {
	start := time.Now()
	err := n.runners[name].Run()
	return time.Since(start), err
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
