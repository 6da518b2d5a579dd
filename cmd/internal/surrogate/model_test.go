package surrogate

import (
	"context"
	"encoding/binary"
	"math"
	"testing"

	"google.golang.org/protobuf/proto"

	"zos-ort/cmd/internal/surrogate/fakes"
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
	archs := check.Must(probeArchitectures(50))(t)
	for batch, change := range map[int]func(g *onnx.GraphProto){1: unchanged, 7: unchanged,
		64: unchanged, 16: fixBatch(8)} {
		model := check.Must(fakes.Surrogate(fakes.Eighths, change))(t)
		s := check.Must(New("m.onnx", model, batch, 40).Open(t.Context(), 1))(t)
		steps := 0
		got := check.Must(s.Accuracies(t.Context(), archs, func() { steps++ }))(t)
		s.Close()
		if len(got) != 50 || steps != 50 {
			t.Fatalf("batch %d: %d scores, %d steps", batch, len(got), steps)
		}
		for i, g := range archs {
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
			[]string{"output p is float[N,3], want float[N,2]", "or float[N,4] (YAHPO Gym, model_v2)"}},
		{func(g *onnx.GraphProto) { g.Input = append(g.Input, fakes.Port("z", 1, 1)) },
			[]string{"it has 3 inputs and 1 outputs"}},
	} {
		s, err := New("m.onnx", check.Must(fakes.Surrogate(fakes.Eighths, x.change))(t), 4, 1).Open(t.Context(), 1)
		check.Error(t, err, append(x.words, "surrogate m.onnx: ")...)
		if err == nil {
			s.Close()
		}
	}
	_, err := New("m.onnx", []byte("no model"), 4, 1).Open(t.Context(), 1)
	check.Error(t, err, "surrogate m.onnx: ")
	nan := func(int) float32 { return float32(math.NaN()) }
	s := check.Must(New("m.onnx", check.Must(fakes.Surrogate(nan, unchanged))(t), 4, 1).Open(t.Context(), 1))(t)
	defer s.Close()
	archs := []space.Genotype{check.Must(space.Named("DARTS_V2"))(t)}
	_, err = s.Accuracies(t.Context(), archs, func() {})
	check.Error(t, err, "surrogate m.onnx: the accuracy of ", "is NaN")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Accuracies(ctx, archs, func() {})
	check.Error(t, err, context.Canceled.Error())
}

// A model that declares a fixed batch is run with a larger one, unless its operators need the batch.
func TestFixedBatch(t *testing.T) {
	openRuntime(t)
	reshaped := func(g *onnx.GraphProto) {
		fixBatch(2)(g)
		g.Initializer = append(g.Initializer, &onnx.TensorProto{Name: proto.String("two"),
			DataType: proto.Int32(7), Dims: []int64{2}, RawData: binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, 2), 2)})
		g.Node[2].Output = []string{"z"}
		g.Node = append(g.Node, &onnx.NodeProto{OpType: proto.String("Reshape"), Input: []string{"z", "two"},
			Output: []string{"y"}})
	}
	for _, x := range []struct {
		change func(g *onnx.GraphProto)
		want   int
	}{{fixBatch(1), 64}, {reshaped, 2}} {
		m := check.Must(New("m.onnx", check.Must(fakes.Surrogate(fakes.Eighths, x.change))(t), 64, 40).
			Open(t.Context(), 1))(t)
		if m.batch != x.want {
			t.Errorf("the batch is %d, want %d", m.batch, x.want)
		}
		m.Close()
	}
}

// The second form tells by the weights that it predicts in which order it takes its edges.
func TestSecondForm(t *testing.T) {
	openRuntime(t)
	archs := check.Must(probeArchitectures(20))(t)
	for _, o := range orderings {
		m := check.Must(New("v2.onnx", check.Must(fakes.Second(o.place))(t), 8, 98).Open(t.Context(), 1))(t)
		if m.order.name != o.name {
			t.Errorf("%s edges pass for %s ones", o.name, m.order.name)
		}
		got := check.Must(m.Accuracies(t.Context(), archs, nothing))(t)
		for i, g := range archs {
			want := 0.
			for _, ct := range space.DARTS.CellTypes() {
				want += fakes.SecondAccuracy * float64(g.CountsIn(ct)[space.SepConv3x3])
			}
			if math.Abs(got[i]-100*want) > 1e-3 {
				t.Errorf("%s: %v, want %v percent", o.name, got[i], 100*want)
			}
		}
		m.Close()
	}
	shuffled := orderings[0].place
	for i := range shuffled {
		shuffled[i] = len(shuffled) - 1 - i
	}
	_, err := New("v2.onnx", check.Must(fakes.Second(shuffled))(t), 8, 98).Open(t.Context(), 1)
	check.Error(t, err, "surrogate v2.onnx: the order of its edges cannot be told")
}

func openRuntime(t *testing.T) {
	t.Helper()
	if err := ort.Open(""); err != nil {
		t.Skip(err)
	}
}
