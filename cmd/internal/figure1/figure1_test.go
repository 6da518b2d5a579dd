package figure1

import (
	"context"
	"math"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"zos-ort/cmd/internal/figure1/fakes"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/onnx"
	"zos-ort/models/space"
	"zos-ort/ort"
)

func unchanged(*onnx.GraphProto) {}

// fixBatch makes the model one for batches of n only.
func fixBatch(n int64) func(g *onnx.GraphProto) {
	return func(g *onnx.GraphProto) {
		g.Input = []*onnx.ValueInfoProto{fakes.Port("x_cat", 6, n, space.NB301Len), fakes.Port("x_cont", 1, n, 1)}
		g.Output = []*onnx.ValueInfoProto{fakes.Port("y", 1, n, 2)}
	}
}

// The score of an architecture is the first output for its code and the epoch, whatever the batch.
func TestSurrogateScores(t *testing.T) {
	openRuntime(t)
	groups := check.Must((&Settings{Samples: 50, Xi: .5, Seed: 3}).draw())(t)
	for batch, change := range map[int]func(g *onnx.GraphProto){1: unchanged, 7: unchanged,
		64: unchanged, 16: fixBatch(8)} {
		model := check.Must(fakes.Surrogate(fakes.Eighths, change))(t)
		s := check.Must(openSurrogate(&surrogateSettings{model: model, Batch: batch, Epoch: 40}, 1))(t)
		steps := 0
		got := check.Must(s.scores(context.Background(), groups[0].archs, func() { steps++ }))(t)
		s.close()
		if len(got) != 50 || steps != 50 {
			t.Fatalf("batch %d: %d scores, %d steps", batch, len(got), steps)
		}
		for i, g := range groups[0].archs {
			want := 40.
			for j, code := range check.Must(g.NB301())(t) {
				want += float64(code) * float64(fakes.Eighths(j))
			}
			if got[i] != want { // sums of fakes.Eighths are exact
				t.Fatalf("batch %d: architecture %d scores %v, want %v", batch, i, got[i], want)
			}
		}
	}
}

func TestSurrogateErrors(t *testing.T) {
	openRuntime(t)
	categories := func(name string, dtype int32, dims ...int64) func(g *onnx.GraphProto) {
		return func(g *onnx.GraphProto) { // a model that does not look at them
			g.Input[0] = fakes.Port(name, dtype, dims...)
			g.Node = []*onnx.NodeProto{{OpType: proto.String("Concat"), Input: []string{"x_cont", "x_cont"},
				Output: []string{"y"}, Attribute: []*onnx.AttributeProto{{Name: proto.String("axis"),
					I: proto.Int64(1), Type: onnx.AttributeProto_INT.Enum()}}}}
		}
	}
	for _, x := range []struct {
		change func(g *onnx.GraphProto)
		words  []string
	}{
		{categories("images", 6, 0, space.NB301Len), []string{"no input x_cat among images, x_cont"}},
		{categories("x_cat", 7, 0, space.NB301Len), []string{"x_cat is int64[N,34], want int32[N,34]"}},
		{categories("x_cat", 6, 0, 33), []string{"x_cat is int32[N,33], want int32[N,34]"}},
		{categories("x_cat", 6, 0, space.NB301Len, 1), []string{"x_cat is int32[N,34,1]"}},
		{func(g *onnx.GraphProto) { g.Input[1] = fakes.Port("x_cont", 1, 0, 2) }, []string{"x_cont is float[N,2], want float[N,1]"}},
		{func(g *onnx.GraphProto) { g.Output[0] = fakes.Port("p", 1, 0, 3) },
			[]string{"output p is float[N,3], want float[N,2]"}},
		{func(g *onnx.GraphProto) { g.Input = append(g.Input, fakes.Port("z", 1, 1)) },
			[]string{"it has 3 inputs and 1 outputs"}},
	} {
		s, err := openSurrogate(&surrogateSettings{File: "m.onnx", Batch: 4, Epoch: 1,
			model: check.Must(fakes.Surrogate(fakes.Eighths, x.change))(t)}, 1)
		check.Error(t, err, append(x.words, "surrogate m.onnx: ")...)
		if err == nil {
			s.close()
		}
	}
	_, err := openSurrogate(&surrogateSettings{File: "m.onnx", model: []byte("no model"), Batch: 4}, 1)
	check.Error(t, err, "surrogate m.onnx: ")
	nan := func(int) float32 { return float32(math.NaN()) }
	s := check.Must(openSurrogate(&surrogateSettings{File: "m.onnx", Batch: 4, Epoch: 1,
		model: check.Must(fakes.Surrogate(nan, unchanged))(t)}, 1))(t)
	defer s.close()
	archs := []space.Genotype{check.Must(space.Named("DARTS_V2"))(t)}
	_, err = s.scores(context.Background(), archs, func() {})
	check.Error(t, err, "surrogate m.onnx: the accuracy of ", "is NaN")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = s.scores(ctx, archs, func() {})
	check.Error(t, err, context.Canceled.Error())
}

// Architectures from shared masks lie in them; the same seed draws the same ones.
func TestDrawGroups(t *testing.T) {
	s := &Settings{Samples: 300, Xi: .5, Seed: 7, Masks: 4}
	groups := check.Must(s.draw())(t)
	if len(groups[0].masks) != 0 || len(groups[1].masks) != 4 || groups[1].masks[0] == groups[1].masks[1] {
		t.Fatalf("masks: %d without, %d with", len(groups[0].masks), len(groups[1].masks))
	}
	for i, g := range groups[1].archs {
		if !g.Allowed(groups[1].masks[i%4]) {
			t.Fatalf("architecture %d is not inside of its mask", i)
		}
	}
	again := check.Must(s.draw())(t)
	if !slices.Equal(again[0].archs, groups[0].archs) || !slices.Equal(again[1].archs, groups[1].archs) {
		t.Error("the same seed draws other architectures")
	}
	if slices.Equal(groups[0].archs, groups[1].archs) {
		t.Error("both groups are the same")
	}
}

// Fresh Bernoulli masks do not prefer any operation or any pair of edges, so every category is as
// frequent with them as without. Frequencies of 20,000 draws vary by .0035; six of that is beyond chance.
func TestFreshMasksKeepTheDistribution(t *testing.T) {
	groups := check.Must((&Settings{Samples: 20000, Xi: .5, Seed: 1}).draw())(t)
	var count [2][space.NB301Len][11]float64
	for i, g := range groups {
		for _, arch := range g.archs {
			for j, code := range check.Must(arch.NB301())(t) {
				count[i][j][code] += 1. / 20000
			}
		}
	}
	for j := range count[0] {
		check.Close(t, "frequencies", count[1][j][:], count[0][j][:], 6*math.Sqrt(2*.25/20000), 0)
	}
}

func openRuntime(t *testing.T) {
	t.Helper()
	if err := ort.Open(""); err != nil {
		t.Skipf("no ONNX Runtime: %v", err)
	}
}
