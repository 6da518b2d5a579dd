package ranking

import (
	"context"
	"fmt"
	"slices"

	"zos-ort/graphgen"
	"zos-ort/graphgen/cost"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/prune"
	"zos-ort/prune/proxy"
)

// Batch is a batch of images with labels.
type Batch struct {
	Images []float32 // [B,3,S,S]
	Labels []int64   // [B]
}

// programs are what a list of proxies looks at in a network.
type programs struct {
	list   []proxy.Proxy
	spec   graphgen.Spec
	layout graphgen.Layout
	looks  []look
	work   []work // of a forward pass; nil if nobody counts
	counts bool   // whether a proxy counts weights or arithmetic
}

// look is a program with the output that is kept.
type look struct {
	*proxy.Look
	program *graphgen.Program
	output  string
}

// work is the arithmetic of a node on one image, and where it is.
type work struct {
	scope string
	flops float64
}

// emit builds the programs.
func emit(spec graphgen.Spec, list []proxy.Proxy) (p programs, err error) {
	if spec, err = spec.Learn(); err != nil {
		return p, fmt.Errorf("network: %w", err)
	}
	p.list, p.spec = list, spec
	for _, l := range proxy.Looks(list) {
		x := look{Look: l}
		if x.program, err = l.Emit(spec); err != nil {
			return p, err
		}
		out, err := x.program.Signature.Output(l.Output)
		if err != nil {
			return p, err
		}
		x.output = out.Name
		p.looks = append(p.looks, x)
	}
	p.counts = slices.ContainsFunc(list, func(x proxy.Proxy) bool { return x.Needs == proxy.Formula })
	if !p.counts {
		p.layout = p.looks[0].program.Weights // all programs of a network have one layout
		return p, nil
	}
	eval, err := spec.Evaluate() // is not run
	if err != nil {
		return p, err
	}
	p.layout = eval.Weights
	for _, n := range eval.Graph.Nodes {
		p.work = append(p.work, work{n.Scope, cost.Of(n).Flops / float64(spec.Batch)})
	}
	return p, nil
}

// counted is the part of the network at the places that it has, with its arithmetic.
func (p programs) counted(has func(place string) bool) (l graphgen.Layout, flops float64) {
	if !p.counts {
		return p.layout, 0
	}
	for _, e := range p.layout {
		if has(e.Name) {
			l = append(l, e)
		}
	}
	for _, w := range p.work {
		if has(w.scope) {
			flops += w.flops
		}
	}
	return l, flops
}

// sampler runs the programs of a network, in a state of its own.
type sampler struct {
	programs
	nets    []*program.Net
	runners []*program.Runner
	weights []float32
}

func (p programs) open(o ort.Options) (*sampler, error) {
	s := &sampler{programs: p}
	for _, l := range p.looks {
		shape := program.Shape{Weights: l.program.Weights, Stats: l.program.Stats}
		net, err := program.NewNet(shape, program.Vectors{}, o)
		if err != nil {
			s.close()
			return nil, err
		}
		s.nets = append(s.nets, net)
		r, err := net.Open(l.program, graphgen.Image, l.Output)
		if err != nil {
			s.close()
			return nil, err
		}
		s.runners = append(s.runners, r)
	}
	return s, nil
}

func (s *sampler) close() {
	for _, r := range s.runners {
		r.Close()
	}
	for _, n := range s.nets {
		n.Close()
	}
}

// set puts weights into the states.
func (s *sampler) set(weights []float32) error {
	s.weights = weights
	for i, l := range s.looks {
		w := weights
		if l.Ones {
			w = make([]float32, len(weights))
			for i, x := range weights {
				w[i] = max(x, -x)
			}
		}
		if err := s.nets[i].Set(program.Vectors{Weights: w}); err != nil {
			return err
		}
	}
	return nil
}

// variant is a network within that of the programs.
type variant struct {
	prepare func(*program.Runner)   // sets mixing weights
	has     func(place string) bool // whether what is at a place belongs to it
}

// whole is the network of the programs itself.
var whole = variant{prepare: func(*program.Runner) {}, has: func(string) bool { return true }}

// sample runs every program on the batches.
func (s *sampler) sample(ctx context.Context, batches []Batch, v variant, k prune.Kernel) (*proxy.Sample, error) {
	x := &proxy.Sample{Weights: s.weights, Classes: s.spec.Classes, Batch: s.spec.Batch, Kernel: k}
	x.Layout, x.FLOPs = s.counted(v.has)
	for _, b := range batches {
		x.Labels = append(x.Labels, b.Labels...)
	}
	for i, l := range s.looks {
		r, n := s.runners[i], len(batches)
		v.prepare(r)
		if !l.All {
			n = min(n, 1)
		}
		for _, b := range batches[:n] {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := feed(r, b, l.Ones); err != nil {
				return nil, err
			}
			if err := r.Run(); err != nil {
				return nil, err
			}
			l.Keep(x, append([]float32(nil), r.Port(l.output).Float32()...))
		}
	}
	return x, nil
}

// feed sets images, or ones in their place, and labels where the program takes them.
func feed(r *program.Runner, b Batch, ones bool) error {
	labels := b.Labels
	if len(r.Labels) == 0 {
		labels = nil
	}
	if err := r.Feed(b.Images, labels); err != nil {
		return err
	}
	if ones {
		for i := range r.Images {
			r.Images[i] = 1
		}
	}
	return nil
}

// Network is an untrained network that is scored by itself.
type Network struct {
	Spec    graphgen.Spec
	Weights func(l graphgen.Layout) []float32 // draws the initial weights
	Batches []Batch
	Options ort.Options
}

// Scores gives a network's score by every proxy. Proxies that look at the same program share its run.
func Scores(ctx context.Context, n Network, list []proxy.Proxy) ([]float64, error) {
	p, err := emit(n.Spec, list)
	if err != nil {
		return nil, err
	}
	s, err := p.open(n.Options)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.set(n.Weights(p.layout)); err != nil {
		return nil, err
	}
	x, err := s.sample(ctx, n.Batches, whole, prune.Correlation)
	if err != nil {
		return nil, err
	}
	return proxy.Scores(x, list)
}
