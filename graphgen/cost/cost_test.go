package cost_test

import (
	"testing"

	"zos-ort/graphgen/cost"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// of builds a graph and counts the work of its last node.
func of(t *testing.T, build func(g *ir.Graph)) cost.Work {
	t.Helper()
	g := ir.New("one")
	if err := ir.Build(func() { build(g) }); err != nil {
		t.Fatal(err)
	}
	return cost.Of(g.Nodes[len(g.Nodes)-1])
}

// image is x[2,4,6,6] = 288 elements; with stride 2 and the right padding, 2*4*3*3 = 72 remain.
func image(g *ir.Graph, name string) *ir.Value { return g.Input(name, ir.T(ir.Float, 2, 4, 6, 6)) }

func vector(g *ir.Graph, name string, n int) *ir.Value { return g.Input(name, ir.T(ir.Float, n)) }

func TestWork(t *testing.T) {
	conv := op.Conv{Kernel: 3, Stride: 2, Pad: 1, Dilation: 1, Group: 1}
	dw := op.DepthwiseConv{Kernel: 3, Stride: 2, Pad: 1, Dilation: 1}
	unit := op.ReluConvNorm{Kernel: 3, Stride: 2, Pad: 1, Dilation: 1, Epsilon: 1e-5}
	// ReLU 288, depthwise 72*9*2, 1x1 from 4 to 8 channels 144*4*2
	const projected = 288 + 1296 + 1152
	for _, c := range []struct {
		name  string
		build func(g *ir.Graph)
		flops float64
		bytes float64
	}{
		{"conv", func(g *ir.Graph) { // 8 filters: 144 outputs of 36 products
			conv.Of(image(g, "x"), g.Input("w", ir.T(ir.Float, 8, 4, 3, 3)))
		}, 144 * 36 * 2, 4 * (288 + 288 + 144)},
		{"conv gradient to the weights", func(g *ir.Graph) {
			dy := g.Input("dy", ir.T(ir.Float, 2, 8, 3, 3))
			g.AddWanted(op.ConvGrad{Conv: conv}, []bool{false, true}, dy, image(g, "x"),
				g.Input("w", ir.T(ir.Float, 8, 4, 3, 3)))
		}, 144 * 36 * 2, 4 * (144 + 288 + 288 + 288)},
		{"depthwise", func(g *ir.Graph) { dw.Of(image(g, "x"), vector(g, "w", 36)) },
			72 * 9 * 2, 4 * (288 + 36 + 72)},
		{"depthwise gradient", func(g *ir.Graph) {
			op.DepthwiseGradInput{Conv: dw, Height: 6, Width: 6}.Of(
				g.Input("dy", ir.T(ir.Float, 2, 4, 3, 3)), vector(g, "w", 36))
		}, 72 * 9 * 2, 4 * (288 + 36 + 72)},
		{"unit", func(g *ir.Graph) {
			unit.Of(image(g, "x"), vector(g, "w", 32), vector(g, "v", 36), nil, nil, nil)
		}, projected + 5*144, 4 * (288 + 32 + 36 + 144 + 8 + 8)},
		{"unit gradient, everything", func(g *ir.Graph) { unitGrad(g, unit, true, true, true) },
			projected + 3*144 + 4*144 + 2*1152 + 2*1296 + 288,
			4 * (144 + 288 + 16 + 32 + 36 + 288 + 32 + 36)},
		{"unit gradient, the mixing weight alone", func(g *ir.Graph) {
			unitGrad(g, unit, false, false, false)
		}, projected + 3*144, 4 * (144 + 288 + 16 + 32 + 36 + 1)},
		{"normalize", func(g *ir.Graph) { op.Normalize{}.Of(image(g, "x"), nil, nil, nil) }, 5 * 288,
			4 * (2*288 + 8)},
		{"gemm", func(g *ir.Graph) {
			op.Gemm{TransA: true}.Of(g.Input("a", ir.T(ir.Float, 5, 2)), g.Input("b", ir.T(ir.Float, 5, 3)))
		}, 2 * 6 * 5, 4 * (10 + 15 + 6)},
		{"pool", func(g *ir.Graph) { op.DirectMaxPool{Kernel: 3, Stride: 2, Pad: 1}.Of(image(g, "x")) },
			9 * 72, 4 * (288 + 72)},
		{"sum of one value", func(g *ir.Graph) { x := image(g, "x"); op.Add{}.Of(x, x) }, 288,
			4 * 2 * 288},
		{"reshape", func(g *ir.Graph) { op.Reshape{}.To(image(g, "x"), 288) }, 0, 0},
		{"concat", func(g *ir.Graph) { op.Concat{Axis: 1}.Of(image(g, "x"), image(g, "y")) }, 0,
			4 * 4 * 288},
	} {
		if got := of(t, c.build); got.Flops != c.flops || got.Bytes != c.bytes {
			t.Errorf("%s: got %+v, want %v and %v", c.name, got, c.flops, c.bytes)
		}
	}
}

// unitGrad adds the gradient of a unit from 4 to 8 channels: to X, W and V, or else to the scale.
func unitGrad(g *ir.Graph, u op.ReluConvNorm, x, w, v bool) {
	dy := g.Input("dy", ir.T(ir.Float, 2, 8, 3, 3))
	g.AddWanted(op.ReluConvNormGrad{Unit: u}, []bool{x, w, v, !x && !w && !v, false}, dy,
		image(g, "x"), vector(g, "mean", 8), vector(g, "variance", 8), vector(g, "w", 32),
		vector(g, "v", 36), nil, nil)
}
