package proxy

import (
	"context"
	"fmt"

	"zos-ort/graphgen"
	"zos-ort/graphgen/cost"
	"zos-ort/ort"
	"zos-ort/ort/program"
)

// Batch is a batch of images with labels.
type Batch struct {
	Images []float32 // [B,3,S,S]
	Labels []int64   // [B]
}

// Network is an untrained network that is sampled.
type Network struct {
	Spec    graphgen.Spec
	Weights func(l graphgen.Layout) []float32 // draws the initial weights
	Batches []Batch
	Options ort.Options
}

// Scores gives a network's score by every proxy. Proxies that look at the same program share its run.
func Scores(ctx context.Context, n Network, list []Proxy) ([]float64, error) {
	s, err := n.sample(ctx, list)
	if err != nil {
		return nil, err
	}
	scores := make([]float64, len(list))
	for i, p := range list {
		if scores[i], err = p.Score(s); err != nil {
			return nil, err
		}
	}
	return scores, nil
}

// sample runs what the proxies need.
func (n Network) sample(ctx context.Context, list []Proxy) (*Sample, error) {
	spec, err := n.Spec.Learn()
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	eval, err := spec.Evaluate()
	if err != nil {
		return nil, err
	}
	s := &Sample{Layout: eval.Weights, Weights: n.Weights(eval.Weights), Classes: spec.Classes, Batch: spec.Batch}
	for _, node := range eval.Graph.Nodes {
		s.FLOPs += cost.Of(node).Flops / float64(spec.Batch)
	}
	done := map[*source]bool{}
	for _, p := range list {
		if p.program == nil || done[p.program] {
			continue
		}
		done[p.program] = true
		if err := n.run(ctx, spec, p.program, s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// run runs a program on the batches and keeps its output.
func (n Network) run(ctx context.Context, spec graphgen.Spec, from *source, s *Sample) error {
	p, err := from.emit(spec)
	if err != nil {
		return err
	}
	out, err := p.Signature.Output(from.output)
	if err != nil {
		return err
	}
	weights := s.Weights
	if from.linear {
		weights = make([]float32, len(s.Weights))
		for i, w := range s.Weights {
			weights[i] = max(w, -w)
		}
	}
	net, err := program.NewNet(program.Shape{Weights: p.Weights, Stats: p.Stats}, program.Vectors{Weights: weights},
		n.Options)
	if err != nil {
		return err
	}
	defer net.Close()
	r, err := net.Open(p, graphgen.Image, from.output)
	if err != nil {
		return err
	}
	defer r.Close()
	batches := n.Batches
	if !from.all {
		batches = batches[:1]
	}
	for _, b := range batches {
		if err := ctx.Err(); err != nil {
			return err
		}
		images, labels := b.Images, b.Labels
		if from.feed != nil {
			images = from.feed(images)
		}
		if len(r.Labels) == 0 {
			labels = nil
		}
		if err := r.Feed(images, labels); err != nil {
			return err
		}
		if err := r.Run(); err != nil {
			return err
		}
		s.keep(from, append([]float32(nil), r.Port(out.Name).Float32()...))
	}
	return nil
}

// keep puts the output of a program where the proxies find it.
func (s *Sample) keep(from *source, x []float32) {
	switch from {
	case logits:
		s.Logits = append(s.Logits, x)
	case patterns:
		s.Patterns = x
	case saliency:
		s.Gradients = append(s.Gradients, x)
	case flow:
		s.Flow = x
	case jacobian:
		s.Jacobian = x
	}
}
