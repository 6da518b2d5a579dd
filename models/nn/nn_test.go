package nn_test

import (
	"math"
	"slices"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/ir"
	"zos-ort/models/nn"
	"zos-ort/models/space"
)

// frozen computes a layer on x[1,C,H,W] in float64, with the given weights and running statistics.
func frozen(t *testing.T, tensors graphgen.Tensors, x *eval.Tensor,
	layer func(n *graphgen.Net, x *ir.Value) *ir.Value) *eval.Tensor {
	t.Helper()
	g, err := graphgen.Freeze("layer", tensors, func(n *graphgen.Net) {
		n.G.In("l", func() { n.G.Output("y", layer(n, n.G.Input("x", ir.T(ir.Float, x.Shape...)))) })
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := eval.Run(g, map[string]*eval.Tensor{"x": x})
	if err != nil {
		t.Fatal(err)
	}
	return out["y"]
}

// square is -8, -7, ..., 7 as an image of one channel.
func square() *eval.Tensor {
	v := make([]float64, 16)
	for i := range v {
		v[i] = float64(i - 8)
	}
	return eval.Floats(v, 1, 1, 4, 4)
}

// neutral are running statistics that change nothing but the epsilon of the batch norm.
func neutral(t graphgen.Tensors, name string, channels int) {
	t[name+"/mean"] = make([]float32, channels)
	t[name+"/variance"] = slices.Repeat([]float32{1 - 1e-5}, channels)
}

func wantTensor(t *testing.T, what string, got *eval.Tensor, shape []int, want ...float64) {
	t.Helper()
	// Variance and epsilon are float32.
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-7*(1+math.Abs(b)) }
	if !slices.Equal(got.Shape, shape) || !slices.EqualFunc(got.F, want, near) {
		t.Errorf("%s: %v of shape %v, want %v of shape %v", what, got.F, got.Shape, want, shape)
	}
}

// The first half sees pixels (0,0), (0,2), (2,0), (2,2), the second those one below and right; both
// after a ReLU.
func TestFactorizedReduce(t *testing.T) {
	w := graphgen.Tensors{"l/conv_1/weight": {10}, "l/conv_2/weight": {100}}
	neutral(w, "l/bn", 2)
	got := frozen(t, w, square(), func(n *graphgen.Net, x *ir.Value) *ir.Value {
		return nn.FactorizedReduce(n, x, 2, false)
	})
	wantTensor(t, "factorized reduce", got, []int{1, 2, 2, 2}, 0, 0, 0, 20, 0, 0, 500, 700)
}

func TestPool(t *testing.T) {
	pool := func(p space.Primitive, stride int) *eval.Tensor {
		return frozen(t, nil, square(), func(n *graphgen.Net, x *ir.Value) *ir.Value {
			return nn.Apply(n, x, p, stride, nn.Norms{Inner: nn.Plain, Last: nn.Plain})
		})
	}
	wantTensor(t, "max pool", pool(space.MaxPool3x3, 2), []int{1, 1, 2, 2}, -3, -1, 5, 7)
	// The padding does not count: the corner is the mean of four pixels.
	wantTensor(t, "average pool", pool(space.AvgPool3x3, 2), []int{1, 1, 2, 2}, -5.5, -4, .5, 2)
	if got := pool(space.AvgPool3x3, 1); !slices.Equal(got.Shape, []int{1, 1, 4, 4}) {
		t.Errorf("average pool of stride 1: %v", got.Shape)
	}
}

// A separable convolution is done twice, a dilated one once; both start with a ReLU.
func TestApply(t *testing.T) {
	centre := func(k int, x float32) []float32 {
		w := make([]float32, k*k)
		w[k*k/2] = x
		return w
	}
	w := graphgen.Tensors{"l/depthwise/weight": centre(5, 2), "l/pointwise/weight": {3},
		"l/0/depthwise/weight": centre(3, 2), "l/0/pointwise/weight": {3},
		"l/1/depthwise/weight": centre(3, 5), "l/1/pointwise/weight": {7}}
	for _, name := range []string{"l/bn", "l/0/bn", "l/1/bn"} {
		neutral(w, name, 1)
	}
	conv := func(p space.Primitive, stride int) *eval.Tensor {
		return frozen(t, w, square(), func(n *graphgen.Net, x *ir.Value) *ir.Value {
			return nn.Apply(n, x, p, stride, nn.Norms{Inner: nn.Plain, Last: nn.Plain})
		})
	}
	wantTensor(t, "sep_conv_3x3", conv(space.SepConv3x3, 2), []int{1, 1, 2, 2}, 0, 0, 0, 2*2*3*5*7)
	wantTensor(t, "dil_conv_5x5", conv(space.DilConv5x5, 2), []int{1, 1, 2, 2}, 0, 0, 0, 2*2*3)
	_, err := graphgen.Freeze("layer", w, func(n *graphgen.Net) {
		nn.Apply(n, n.G.Input("x", ir.T(ir.Float, 1, 1, 4, 4)), space.None, 1, nn.Norms{})
	})
	check.Error(t, err, "a part zero has no layer")
}

// Layers declare their weights in PyTorch's order and with its initialisation; the affine weights
// of a batch norm come after those of the convolution before it.
func TestWeightsAreDeclaredInOrder(t *testing.T) {
	forward := func(n *graphgen.Net, images *ir.Value) graphgen.Scores {
		x := nn.Stem(n, images, 4)
		n.G.In("cell0", func() {
			x = nn.Apply(n, x, space.SepConv5x5, 2, nn.Norms{Inner: nn.Affine, Last: nn.Plain})
			x = nn.ReLUConvBN(n, x, 6, true)
		})
		return graphgen.Scores{Logits: nn.Head(n, x, space.Skeleton{}, 3)}
	}
	p, err := graphgen.Spec{Forward: forward, Batch: 2, Image: 8, Classes: 3}.Evaluate()
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		name  string
		fanIn float64 // 0: a constant
		value float64
		shape []int
	}{
		{"stem/weight", 27, 0, []int{4, 3, 3, 3}}, {"stem/bn/scale", 0, 1, []int{4}},
		{"stem/bn/bias", 0, 0, []int{4}},
		{"cell0/0/depthwise/weight", 25, 0, []int{4, 1, 5, 5}},
		{"cell0/0/pointwise/weight", 4, 0, []int{4, 4, 1, 1}},
		{"cell0/0/bn/scale", 0, 1, []int{4}}, {"cell0/0/bn/bias", 0, 0, []int{4}},
		{"cell0/1/depthwise/weight", 25, 0, []int{4, 1, 5, 5}},
		{"cell0/1/pointwise/weight", 4, 0, []int{4, 4, 1, 1}},
		{"cell0/weight", 4, 0, []int{6, 4, 1, 1}}, {"cell0/bn/scale", 0, 1, []int{6}},
		{"cell0/bn/bias", 0, 0, []int{6}},
		{"classifier/weight", 6, 0, []int{3, 6}}, {"classifier/bias", 6, 0, []int{3}},
	}
	if len(p.Weights) != len(want) {
		t.Fatalf("%d weights, want %d: %v", len(p.Weights), len(want), p.Weights)
	}
	for i, w := range want {
		e, bound := p.Weights[i], 0.
		if w.fanIn > 0 {
			bound = 1 / math.Sqrt(w.fanIn)
		}
		if e.Name != w.name || !slices.Equal(e.Shape, w.shape) || e.Init.Bound != bound ||
			e.Init.Value != w.value {
			t.Errorf("weight %d is %+v, want %+v", i, e, w)
		}
	}
}

// The mixing weight as the scale of the batch norm is the product.
func TestScaledBatchNorm(t *testing.T) {
	w := graphgen.Tensors{"l/bn/mean": {1}, "l/bn/variance": {4 - 1e-5}}
	got := frozen(t, w, square(), func(n *graphgen.Net, x *ir.Value) *ir.Value {
		return nn.ScaledBatchNorm(n, x, n.G.Floats([]float32{3}, 1))
	})
	want := square()
	for i, x := range want.F {
		want.F[i] = 3 * (x - 1) / 2
	}
	wantTensor(t, "scaled batch norm", got, want.Shape, want.F...)
}
