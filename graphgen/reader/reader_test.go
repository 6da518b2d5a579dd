package reader

import (
	"strings"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/onnx"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/plan"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/ort/program"
)

// reluFile is y = relu(relu(x)) with the given type of x.
func reluFile(t *testing.T, x ir.Type, o onnx.Options) []byte {
	t.Helper()
	g := ir.New("relu")
	g.Output("y", op.Relu{}.Of(op.Relu{}.Of(g.Input("x", x))))
	m, err := onnx.Model(g, o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := onnx.Bytes(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadProgram(t *testing.T) {
	p, err := Program(reluFile(t, ir.T(ir.Float, 4, 256), onnx.Options{}), 1)
	if err != nil {
		t.Fatal(err)
	}
	r := plan.Simulate(p, p.RuntimeOrder())
	if r.Inputs != 4096 || r.Peak != 8192 || len(p.Nodes) != 2 {
		t.Errorf("inputs %d, peak %d, nodes %d; want 4096, 8192, 2", r.Inputs, r.Peak, len(p.Nodes))
	}
}

// A file for any batch has the plan of a graph with the requested batch.
func TestReadProgramOfAnyBatch(t *testing.T) {
	b := reluFile(t, ir.T(ir.Float, 1, 256), onnx.Options{Batch: "N"})
	p := check.Must(Program(b, 4))(t)
	if r := plan.Simulate(p, p.RuntimeOrder()); r.Inputs != 4096 || r.Peak != 8192 {
		t.Errorf("inputs %d, peak %d; want 4096, 8192", r.Inputs, r.Peak)
	}
}

// A network's file, read by a reader that knows nothing of our graphs, has the plan of the graph
// that was written.
func TestReadProgramOfANetwork(t *testing.T) {
	c := network.Config{Genotype: check.Must(space.Named("DARTS_V2"))(t), Channels: 8, Cells: 5, Classes: 10}
	spec := graphgen.Spec{Forward: c.Forward(), Batch: 1, Image: 16, Classes: 10}
	p := check.Must(spec.Evaluate())(t)
	v := program.Vectors{Weights: make([]float32, p.Weights.Len())}.Complete(program.Shape{
		Weights: p.Weights, Stats: p.Stats})
	tensors := p.Tensors(v.Weights, v.Means, v.Variances)
	plain := check.Must(c.Graph(tensors, 16))(t)
	deployed := check.Must(c.Deploy(tensors, network.Deployment{Size: 16, Std: [3]float32{1, 1, 1}}))(t)
	for _, g := range []*ir.Graph{plain, deployed} {
		want := plan.Of(g)
		m := check.Must(onnx.Model(g, onnx.Options{Batch: "N"}))(t)
		read := check.Must(Program(check.Must(onnx.Bytes(m))(t), 1))(t)
		got := plan.Simulate(read, read.RuntimeOrder())
		if ratio := float64(got.Total()) / float64(want.Total()); ratio < .98 || ratio > 1.02 {
			t.Errorf("%s: the file needs %d bytes, the graph %d", g.Name, got.Total(), want.Total())
		}
	}
}

func TestReadProgramRefuses(t *testing.T) {
	whole := reluFile(t, ir.T(ir.Float, 4, 256), onnx.Options{})
	// If only some ports have the batch, the file does not declare the types of values between
	// them.
	open := reluFile(t, ir.T(ir.Float, 4, 256), onnx.Options{Batch: "N", Batched: []string{"x", "y"}})
	for _, c := range []struct {
		name, words string
		file        []byte
	}{
		{"open batch", "does not say how large", open},
		{"huge", "impossible shape", reluFile(t, ir.T(ir.Float, 1<<30, 1<<30), onnx.Options{})},
		{"cut off", "", whole[:len(whole)/2]},
		{"empty", "", nil},
	} {
		_, err := Program(c.file, 1)
		if err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: error %v, want one that says %q", c.name, err, c.words)
		}
	}
}
