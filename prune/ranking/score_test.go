package ranking_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/prune/ranking"
)

func randomArchs(t *testing.T, n int) (list []space.Genotype) {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 1))
	for range n {
		list = append(list, check.Must(space.RandomGenotype(rng, space.DARTS.FullMask()))(t))
	}
	return list
}

func scores(t *testing.T, s *ranking.Supernet, archs []space.Genotype, repeats int) []float64 {
	t.Helper()
	steps := 0
	got, err := s.Score(context.Background(), archs, repeats, func() { steps++ })
	if err != nil || steps != len(archs)*repeats {
		t.Fatalf("%d steps for %d architectures and %d repeats, %v", steps, len(archs), repeats, err)
	}
	return got
}

// only is the mask that leaves nothing but an architecture: edges that it does not use have none.
func only(g space.Genotype) space.Mask {
	m := everywhere(space.None)
	for _, t := range space.DARTS.CellTypes() {
		for i, gene := range g.Cell(t) {
			m.Put(t, space.DARTS.EdgeIndex(i/2, gene.Source), space.SetOf(gene.Op))
		}
	}
	return m
}

// alone is the kernel norm of the network that has the operations and edges of an architecture and no
// others, with the weights that they have in the supernet.
func alone(t *testing.T, s *ranking.Supernet, g space.Genotype, repeat int) float64 {
	t.Helper()
	rank := func(m space.Mask) *graphgen.Program {
		net := s.Net
		net.Mask = m
		return check.Must(graphgen.Spec{Forward: net.Forward(), Batch: s.Batch, Image: s.Image,
			Classes: net.Classes}.Rank())(t)
	}
	full, p := rank(space.DARTS.FullMask()).Weights, rank(only(g))
	w := make([]float32, p.Weights.Len())
	if err := p.Weights.Transfer(w, full, check.Must(s.Weights(t.Context(), repeat, full))(t)); err != nil {
		t.Fatal(err)
	}
	net := check.Must(program.NewNet(program.Shape{Weights: p.Weights, Stats: p.Stats},
		program.Vectors{Weights: w}, ort.Options{Threads: 1}))(t)
	defer net.Close()
	r := check.Must(net.Open(p))(t)
	defer r.Close()
	for _, ct := range space.DARTS.CellTypes() {
		ops, edges := r.Mix(supernet.OperationMix(ct)).Weights, r.Mix(supernet.EdgeMix(ct)).Weights
		for i := range ops {
			ops[i] = 1
		}
		for i, gene := range g.Cell(ct) {
			if edges != nil {
				edges[space.DARTS.EdgeIndex(i/2, gene.Source)] = 1
			}
		}
	}
	var logits []float64
	for _, x := range check.Must(s.Images(repeat))(t) {
		copy(r.Images, x.Images)
		if err := r.Run(); err != nil {
			t.Fatal(err)
		}
		for _, y := range r.Logits {
			logits = append(logits, float64(y))
		}
	}
	return check.Must(s.Kernel.Norm(logits, s.Net.Classes))(t)
}

// Weights of zero and one give the network that has the chosen operations and nothing else.
func TestScoreIsThatOfTheArchitecture(t *testing.T) {
	archs := randomArchs(t, 4)
	for _, partial := range []int{1, 4} {
		s := ranker(t, partial, 2)
		got := scores(t, s, archs, 2)
		for i, g := range archs {
			want := (alone(t, s, g, 0) + alone(t, s, g, 1)) / 2
			if math.Abs(got[i]-want) > 1e-4*want {
				t.Errorf("1/%d channels, architecture %d: %v inside the supernet, %v alone", partial, i,
					got[i], want)
			}
		}
		if got[0] == got[1] {
			t.Errorf("1/%d channels: two architectures have one score", partial)
		}
		if again := scores(t, ranker(t, partial, 1), archs, 2); !slices.Equal(again, got) {
			t.Errorf("1/%d channels: one worker %v, two workers %v", partial, again, got)
		}
	}
}

func TestScoreErrors(t *testing.T) {
	s := ranker(t, 1, 1)
	archs := randomArchs(t, 2)
	nothing := func() {}
	_, err := s.Score(context.Background(), archs, 0, nothing)
	check.Error(t, err, "repeats must be at least 1, got 0")
	_, err = s.Score(context.Background(), append(archs, space.Genotype{}), 1, nothing)
	check.Error(t, err, "architecture 2", "none is not an operation")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err = s.Score(ctx, archs, 1, nothing); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	s.Images = func(int) ([]ranking.Batch, error) { return nil, errors.New("no images") }
	_, err = s.Score(context.Background(), archs, 1, nothing)
	check.Error(t, err, "score: no images")
}
