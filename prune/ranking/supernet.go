// Package ranking ranks the networks of a search space by running the supernet itself on ONNX
// Runtime: what Algorithm 1 (package prune) asks for.
package ranking

import (
	"context"
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
	"zos-ort/prune/proxy"
)

// Supernet ranks the networks of a search space by running the supernet itself, untrained unless Weights trains it, with the
// statistics of the batch and uniform mixing weights. One session serves all candidates of a round:
// dropping an operation is a change of its mixing weights.
type Supernet struct {
	Net    supernet.Config // unpruned
	Batch  int
	Image  int
	Kernel prune.Kernel // of the ranker nngp
	// Rankers score the networks; none is the ranker nngp alone.
	Rankers []proxy.Proxy
	// Weights returns the flat weight vector of the unpruned network of a repeat, in the given
	// layout.
	Weights func(ctx context.Context, repeat int, l graphgen.Layout) ([]float32, error)
	// Images returns the batches of a repeat.
	Images  func(repeat int) ([]Batch, error)
	Workers int // samplers that run side by side, each with Options.Threads threads
	Options ort.Options
	// Lowering says for which runtime the programs are made.
	Lowering pass.Lowering

	full graphgen.Layout // of the unpruned network
}

// rankers are the proxies, one at least.
func (s *Supernet) rankers() []proxy.Proxy {
	if len(s.Rankers) > 0 {
		return s.Rankers
	}
	list, _, _ := proxy.ParseWeighted("")
	return list
}

// Open builds the ranking programs of a mask. They take their weights by name from the unpruned network.
// Every worker has a state of its own, so that workers do not wait for each other. They open side by side; once ctx is
// cancelled no further session is opened.
func (s *Supernet) Open(ctx context.Context, mask space.Mask) (prune.Session, error) {
	net := s.Net
	net.Mask = mask
	p, err := emit(s.spec(net), s.rankers())
	if err != nil {
		return nil, err
	}
	if err := s.learnLayout(); err != nil {
		return nil, err
	}
	ss := &session{Supernet: s, mask: mask, programs: p, repeat: -1, workers: make([]*sampler, max(s.Workers, 1))}
	err = safe.Each(len(ss.workers), func(i int) (err error) {
		if err = ctx.Err(); err == nil {
			ss.workers[i], err = p.open(s.Options)
		}
		return err
	})
	if err != nil {
		ss.Close()
		return nil, err
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
	programs
	mask    space.Mask
	workers []*sampler
	repeat  int // whose weights are in the states
	batches []Batch
}

func (s *session) Close() {
	for _, w := range s.workers {
		if w != nil {
			w.close()
		}
	}
}

// prepare puts the weights and images of a repeat into place.
func (s *session) prepare(ctx context.Context, repeat int) error {
	if s.repeat == repeat {
		return nil
	}
	s.repeat = -1 // until all is in place
	w := make([]float32, s.layout.Len())
	all, err := s.Weights(ctx, repeat, s.full)
	if err != nil {
		return err
	}
	if err = s.layout.Transfer(w, s.full, all); err != nil {
		return err
	}
	if err := safe.Each(len(s.workers), func(i int) error { return s.workers[i].set(w) }); err != nil {
		return err
	}
	if s.batches, err = s.Images(repeat); err != nil {
		return err
	}
	s.repeat = repeat
	return nil
}

// Norms implements Session.
func (s *session) Norms(ctx context.Context, repeat int, networks []space.Mask, norms prune.Norms,
	step func()) error {
	if err := s.prepare(ctx, repeat); err != nil {
		return err
	}
	return s.all(ctx, len(networks), norms, network{
		weigh: func(i int, t space.CellType, mix, edges []float32) {
			gates(mix, s.mask, networks[i], t)
			if edges != nil {
				uniformEdges(edges, s.mask.Space())
			}
		},
		has: func(i int, scope string) bool { return s.has(networks[i], scope) },
	}, step)
}

// network says what network i is: its mixing weights, and whether what is at a place belongs to it.
type network struct {
	weigh weigh
	has   func(i int, scope string) bool
}

// weigh writes the mixing weights that make the supernet network i: those of the operations with
// nodes, and those of the edges, nil without partial channels.
type weigh func(i int, t space.CellType, mix, edges []float32)

// all computes the norms that are not known yet. It hands the networks out to the workers one by one; the
// result does not depend on who runs what.
func (s *session) all(ctx context.Context, networks int, norms prune.Norms, n network, step func()) error {
	var missing []int
	for i := networks - 1; i >= 0; i-- {
		if s.missing(norms, networks, i) {
			missing = append(missing, i)
		}
	}
	var mu sync.Mutex
	return safe.Share(ctx, len(s.workers), missing, func(worker, i int) error {
		values, err := s.values(s.workers[worker], i, n)
		if err != nil {
			return err
		}
		for r, x := range values {
			norms[r*networks+i] = x
		}
		mu.Lock()
		defer mu.Unlock()
		step()
		return nil
	})
}

// missing reports whether a ranker's value of network i is not known.
func (s *session) missing(norms prune.Norms, networks, i int) bool {
	for r := range s.list {
		if math.IsNaN(norms[r*networks+i]) {
			return true
		}
	}
	return false
}

// values runs all batches through network i and returns what the rankers say.
func (s *session) values(w *sampler, i int, n network) ([]float64, error) {
	x, err := w.sample(context.Background(), s.batches, variant{
		prepare: func(r *program.Runner) {
			for _, t := range s.mask.Space().CellTypes() {
				if ops := r.Mix(supernet.OperationMix(t)).Weights; ops != nil {
					n.weigh(i, t, ops, r.Mix(supernet.EdgeMix(t)).Weights)
				}
			}
		},
		has: func(place string) bool { return n.has(i, place) },
	}, s.Kernel)
	if err != nil {
		return nil, err
	}
	return proxy.Scores(x, s.list)
}

// gates sets uniform weights 1/n over the operations that a network has on every edge, in the layout
// of the mask that the program was built for, and 0 for the others.
func gates(w []float32, mask, network space.Mask, t space.CellType) {
	for i, o := range supernet.Operations(mask, t) {
		w[i] = 0
		if set := network.At(t, o.Edge); set.Has(o.Op) {
			w[i] = 1 / float32(set.Len())
		}
	}
}

// uniformEdges sets the edge weights to one over the number of edges into the node.
func uniformEdges(w []float32, s *space.Space) {
	for node := range s.Nodes() {
		lo, hi := s.NodeEdges(node)
		for e := lo; e < hi; e++ {
			w[e] = 1 / float32(hi-lo)
		}
	}
}
