package search_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	gonum "gonum.org/v1/gonum/floats"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/pass"
	"zos-ort/models/space"
	"zos-ort/models/stream"
	"zos-ort/models/supernet"
	"zos-ort/ort/program"
	"zos-ort/search"
	"zos-ort/search/data"
	"zos-ort/search/train"
)

// perturbing is a search whose genotype a perturbation decides. Without steps between the decisions the state
// at the end is the one that all of them were made with.
func perturbing(partial, steps int) search.Config {
	c := tinyConfig()
	c.Net.Mask, _ = space.DARTS.RandomMask(rand.New(rand.NewPCG(8, 1)), .15)
	c.Net.Channels, c.Net.Partial = 4*partial, partial
	c.Perturb = &search.Perturb{Steps: steps}
	return c
}

// supernet64 evaluates a supernet in float64, by the program that a search does not run: that without rewrites.
type supernet64 struct {
	t      *testing.T
	c      search.Config
	p      *graphgen.Program
	in     map[string]*eval.Tensor
	alphas *space.Alphas
	kept   space.Mask
	images [][]float32
	labels [][]int64
}

func newSupernet64(t *testing.T, c search.Config, v program.Vectors, a *space.Alphas) *supernet64 {
	t.Helper()
	s := &supernet64{t: t, c: c, alphas: a, kept: c.Net.Mask, in: map[string]*eval.Tensor{}}
	s.p = check.Must(c.Net.Spec(c.Batch, 8, pass.Lowering{Target: pass.Portable}).Rank())(t)
	weights := make([]float32, s.p.Weights.Len())
	if err := s.p.Weights.Transfer(weights, check.Must(search.Emit(c.Spec(8)))(t).Weight.Weights, v.Weights); err != nil {
		t.Fatal(err)
	}
	for _, port := range s.p.Signature.Inputs {
		x := &eval.Tensor{Shape: port.Type.Shape}
		switch port.Role {
		case graphgen.Param:
			x.F = floats(weights)
		case graphgen.Mean, graphgen.Variance: // not read
			x.F = make([]float64, port.Type.Elements())
		case graphgen.Reset:
			x.B = []bool{false}
		}
		s.in[port.Name] = x
	}
	_, valid := data.Split(24, c.Seed)
	l := check.Must(data.NewLoader(t.Context(), data.LoaderConfig{Set: images(t), Indices: valid, Batch: c.Batch}))(t)
	defer l.Close()
	for pass := l.Epoch(0); ; {
		b, ok := pass.Next()
		if !ok {
			return s
		}
		s.images, s.labels = append(s.images, slices.Clone(b.Images)), append(s.labels, slices.Clone(b.Labels))
	}
}

// without is loss and accuracy without operations of an edge.
func (s *supernet64) without(t space.CellType, e int, ops space.Set) (loss float64, correct int) {
	s.t.Helper()
	for _, ct := range space.DARTS.CellTypes() {
		mix, i := s.in[supernet.OperationMix(ct).Input()], 0
		mix.F = nil
		edges := s.alphas.EdgeWeights(nil, ct)
		for edge, set := range s.c.Net.Mask.Sets(ct) {
			w := softmax(s.alphas.Row(ct, edge))
			for j, p := range space.DARTS.Members(set) {
				x := w[j]
				if s.kept.At(ct, edge) != set { // decided
					x = 0
					if s.kept.At(ct, edge).Has(p) {
						x = 1
					}
				}
				if ct == t && edge == e && ops.Has(p) {
					x = 0
				}
				if p != space.None {
					mix.F = append(mix.F, x)
					i++
				}
			}
			gone := s.kept.At(ct, edge).Empty() || ct == t && edge == e && s.kept.At(ct, edge)&^ops == 0
			if edges != nil && gone {
				edges[edge] = 0
			}
		}
		if edges != nil {
			s.in[supernet.EdgeMix(ct).Input()].F = edges
		}
	}
	n := 0
	for b, x := range s.images {
		s.in["images"].F = floats(x)
		out := check.Must(eval.Run(s.p.Graph, s.in))(s.t)
		logits := make([]float32, len(out["logits"].F))
		for i, z := range out["logits"].F {
			logits[i] = float32(z)
		}
		l, c := train.CrossEntropy(logits, s.labels[b], s.c.Net.Classes)
		loss, correct, n = loss+l, correct+c, n+len(s.labels[b])
	}
	return loss / float64(n), correct
}

// The decisions are those that float64 makes: of every edge the operation without which fewest images are
// right, of every node the two inputs that are missed most.
func TestPerturbationDecides(t *testing.T) {
	runtime(t)
	for name, partial := range map[string]int{"full channels": 1, "partial channels": 4} {
		t.Run(name, func(t *testing.T) {
			c := perturbing(partial, 0)
			res, r := runs(t, c)
			var trials []train.Progress
			for _, p := range r.steps {
				if p.Decides {
					trials = append(trials, p)
				}
			}
			s := newSupernet64(t, c, r.state, res.Alphas)
			judged := func(ct space.CellType, e int, ops space.Set) (float64, int) {
				loss, correct := s.without(ct, e, ops)
				if len(trials) == 0 {
					t.Fatal("a trial is missing")
				}
				check.Close(t, "loss of a trial", []float64{trials[0].Loss, 12 * trials[0].Accuracy},
					[]float64{loss, float64(correct)}, 1e-4, 1e-4)
				trials = trials[1:]
				return loss, correct
			}
			for n := range space.DARTS.Decisions() {
				for _, ct := range space.DARTS.CellTypes() {
					rng := stream.New(c.Seed, stream.Perturbation, uint64(ct))
					edges, nodes := rng.Perm(space.DARTS.Edges()), rng.Perm(space.DARTS.Nodes()-1)
					if n < space.DARTS.Edges() {
						decideEdge(s, ct, edges[n], judged)
					} else {
						decideNode(s, ct, nodes[n-space.DARTS.Edges()]+1, judged)
					}
				}
			}
			if len(trials) != 0 {
				t.Errorf("%d trials too many", len(trials))
			}
			want := check.Must(space.DeriveFromScores(res.Alphas.Scores(), s.kept))(t)
			if res.Genotype != want {
				t.Errorf("got %v, want %v", res.Genotype, want)
			}
			if !res.Genotype.Allowed(c.Net.Mask) {
				t.Errorf("%v is outside of the mask", res.Genotype)
			}
		})
	}
}

func softmax(row []float64) (w []float64) {
	sum := 0.
	for _, x := range row {
		w = append(w, math.Exp(x))
		sum += math.Exp(x)
	}
	gonum.Scale(1/sum, w)
	return w
}

func decideEdge(s *supernet64, ct space.CellType, e int, judged func(space.CellType, int, space.Set) (float64, int)) {
	ops := space.DARTS.Members(s.kept.At(ct, e).Without(space.None))
	if len(ops) == 0 {
		return
	}
	if len(ops) == 1 {
		s.kept.Put(ct, e, space.SetOf(ops...))
		return
	}
	best, least, most := space.None, 0, 0.
	for _, p := range ops {
		loss, correct := judged(ct, e, space.SetOf(p))
		if best == space.None || correct < least || correct == least && loss > most {
			best, least, most = p, correct, loss
		}
	}
	s.kept.Put(ct, e, space.SetOf(best))
}

func decideNode(s *supernet64, ct space.CellType, node int, judged func(space.CellType, int, space.Set) (float64, int)) {
	lo, hi := space.DARTS.NodeEdges(node)
	for {
		gone, highest, lowest, usable := -1, 0, 0., 0
		for e := lo; e < hi; e++ {
			if s.kept.At(ct, e).Usable() {
				usable++
			}
		}
		if usable <= 2 {
			return
		}
		for e := lo; e < hi; e++ {
			if !s.kept.At(ct, e).Usable() {
				continue
			}
			loss, correct := judged(ct, e, s.kept.At(ct, e))
			if gone < 0 || correct > highest || correct == highest && loss < lowest {
				gone, highest, lowest = e, correct, loss
			}
		}
		s.kept.Put(ct, gone, 0)
	}
}

// Settings that contradict a selection by perturbation are refused.
func TestPerturbationGoesAlone(t *testing.T) {
	c := perturbing(1, 0)
	c.Average = 2
	check.Error(t, c.Validate(), "an average of alphas")
	c = perturbing(1, -1)
	check.Error(t, c.Validate(), "must not be negative")
	c = perturbing(1, 0)
	c.FreezeBelow = 1
	check.Error(t, c.Validate(), "between 0 (off) and 1")
	if _, err := search.Run(context.Background(), c, images(t), nil, new(recorder)); err == nil {
		t.Error("a search with a cosine of 1 begins")
	}
}
