// Package ranking ranks the networks of a search space by running the supernet itself on ONNX
// Runtime: what Algorithm 1 (package prune) asks for.
package ranking

import (
	"context"
	"errors"
	"math"
	"sync"

	"zos-ort/graphgen"
	"zos-ort/graphgen/pass"
	"zos-ort/models/safe"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/prune"
)

// Supernet ranks the networks of a search space by running the supernet itself, untrained, with the
// statistics of the batch and uniform mixing weights. One session serves all candidates of a round:
// dropping an operation is a change of its mixing weights.
type Supernet struct {
	Net    supernet.Config // unpruned
	Batch  int
	Image  int
	Kernel prune.Kernel
	// Weights returns the flat weight vector of the unpruned network of a repeat, in the given
	// layout.
	Weights func(repeat int, l graphgen.Layout) []float32
	// Images returns the image batches of a repeat, each [Batch,3,Image,Image].
	Images  func(repeat int) ([][]float32, error)
	Workers int // sessions that run side by side, each with Options.Threads threads
	Options ort.Options
	// Lowering says for which runtime the programs are made.
	Lowering pass.Lowering

	full graphgen.Layout // of the unpruned network
}

// Open builds the ranking program of a mask. It takes its weights by name from the unpruned network.
func (s *Supernet) Open(mask space.Mask) (prune.Session, error) {
	net := s.Net
	net.Mask = mask
	p, err := s.spec(net).Rank()
	if err != nil {
		return nil, err
	}
	if err := s.learnLayout(); err != nil {
		return nil, err
	}
	ss := &session{Supernet: s, mask: mask, layout: p.Weights, repeat: -1}
	ss.net, err = program.NewNet(program.Shape{Weights: p.Weights, Stats: p.Stats}, program.Vectors{},
		s.Options)
	if err != nil {
		return nil, err
	}
	for range max(s.Workers, 1) {
		r, err := ss.net.OpenForward(p)
		if err != nil {
			ss.Close()
			return nil, err
		}
		ss.runners = append(ss.runners, r)
	}
	return ss, nil
}

// learnLayout finds out where the weights of the unpruned network are.
func (s *Supernet) learnLayout() error {
	if s.full != nil {
		return nil
	}
	p, err := s.spec(s.Net).Rank()
	if err == nil {
		s.full = p.Weights
	}
	return err
}

func (s *Supernet) spec(net supernet.Config) graphgen.Spec {
	return net.Spec(s.Batch, s.Image, s.Lowering)
}

type session struct {
	*Supernet
	mask    space.Mask
	layout  graphgen.Layout
	net     *program.Net
	runners []*program.Runner
	repeat  int // whose weights are in the state
	images  [][]float32
}

func (s *session) Close() {
	for _, r := range s.runners {
		r.Close()
	}
	s.net.Close()
}

// prepare puts the weights and images of a repeat into place.
func (s *session) prepare(repeat int) (err error) {
	if s.repeat == repeat {
		return nil
	}
	s.repeat = -1 // until all is in place
	w := make([]float32, s.layout.Len())
	if err = s.layout.Transfer(w, s.full, s.Weights(repeat, s.full)); err != nil {
		return err
	}
	if err = s.net.Set(program.Vectors{Weights: w}); err != nil {
		return err
	}
	if s.images, err = s.Images(repeat); err != nil {
		return err
	}
	s.repeat = repeat
	return nil
}

// Norms implements Session.
func (s *session) Norms(ctx context.Context, repeat int, networks []space.Mask, norms prune.Norms,
	step func()) error {
	if err := s.prepare(repeat); err != nil {
		return err
	}
	return s.all(ctx, norms, func(i int, t space.CellType, mix, edges []float32) {
		gates(mix, s.mask, networks[i], t)
		if edges != nil {
			uniformEdges(edges)
		}
	}, step)
}

// weigh writes the mixing weights that make the supernet network i: those of the operations with
// nodes, and those of the edges, nil without partial channels.
type weigh func(i int, t space.CellType, mix, edges []float32)

// all computes the kernel norms that are not known yet. It hands the networks out to the workers
// one by one; the result does not depend on who runs what.
func (s *session) all(ctx context.Context, norms prune.Norms, w weigh, step func()) error {
	next := make(chan int)
	errs := make([]error, len(s.runners))
	var wg sync.WaitGroup
	var mu sync.Mutex
	for worker, r := range s.runners {
		wg.Go(func() {
			for i := range next {
				if errs[worker] != nil {
					continue
				}
				errs[worker] = safe.Call(func() (err error) {
					if norms[i], err = s.norm(r, i, w); err != nil {
						norms[i] = math.NaN()
					}
					mu.Lock()
					defer mu.Unlock()
					step()
					return err
				})
			}
		})
	}
	for i := len(norms) - 1; i >= 0 && ctx.Err() == nil; i-- {
		if math.IsNaN(norms[i]) {
			next <- i
		}
	}
	close(next)
	wg.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

// norm runs all batches through network i and returns the kernel norm of their logits.
func (s *session) norm(r *program.Runner, i int, w weigh) (float64, error) {
	for _, t := range space.CellTypes {
		if ops := r.Mix(supernet.OperationMix(t)).Weights; ops != nil {
			w(i, t, ops, r.Mix(supernet.EdgeMix(t)).Weights)
		}
	}
	logits := make([]float64, 0, len(s.images)*s.Batch*s.Net.Classes)
	for _, x := range s.images {
		if err := r.Feed(x, nil); err != nil {
			return 0, err
		}
		if err := r.Run(); err != nil {
			return 0, err
		}
		for _, y := range r.Logits {
			logits = append(logits, float64(y))
		}
	}
	return s.Kernel.Norm(logits, s.Net.Classes)
}

// gates sets uniform weights 1/n over the operations that a network has on every edge, in the layout
// of the mask that the program was built for, and 0 for the others.
func gates(w []float32, mask, network space.Mask, t space.CellType) {
	for i, o := range supernet.Operations(mask, t) {
		w[i] = 0
		if set := network[t][o.Edge]; set.Has(o.Op) {
			w[i] = 1 / float32(set.Len())
		}
	}
}

// uniformEdges sets the edge weights to one over the number of edges into the node.
func uniformEdges(w []float32) {
	for node := range space.Nodes {
		lo, hi := space.NodeEdges(node)
		for e := lo; e < hi; e++ {
			w[e] = 1 / float32(hi-lo)
		}
	}
}
