package plan

import (
	"testing"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

func TestLayersAddUp(t *testing.T) {
	p := Of(graph(t, func(g *ir.Graph) {
		x := op.Softmax{}.Of(vec(g, "x", 4))
		g.In("sgd", func() { x = op.Softmax{}.Of(op.Relu{}.Of(x)) })
		g.Output("y", x)
	}))
	layers := p.Layers(func(t Tensor) string { return string(t.Role) })
	if len(layers) != 2 {
		t.Fatalf("%d layers, want activation and update", len(layers))
	}
	for i, want := range p.Timeline {
		if got := layers[string(Activation)][i] + layers[string(Updating)][i]; got != want {
			t.Errorf("position %d: layers add up to %d, want %d", i, got, want)
		}
	}
}
