package eval_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// wantFloats evaluates build on float inputs and compares with numbers worked out by hand.
func wantFloats(t *testing.T, want []float64, build func(x []*ir.Value) *ir.Value,
	in ...*eval.Tensor) {
	t.Helper()
	g, values := ir.New("test"), map[string]*eval.Tensor{}
	var x []*ir.Value
	for i, v := range in {
		name := string(rune('a' + i))
		x, values[name] = append(x, g.Input(name, ir.T(ir.Float, v.Shape...))), v
	}
	g.Output("out", build(x))
	out, err := eval.Run(g, values)
	if err != nil {
		t.Error(err)
		return
	}
	got := out["out"].F
	same := func(a, b float64) bool { return math.Abs(a-b) <= 1e-12 }
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// ramp is 1, 2, 3, ... in the given shape.
func ramp(shape ...int) *eval.Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	data := make([]float64, n)
	for i := range data {
		data[i] = float64(i + 1)
	}
	return eval.Floats(data, shape...)
}

func TestConvByHand(t *testing.T) {
	conv := func(c op.Conv) func(x []*ir.Value) *ir.Value {
		return func(x []*ir.Value) *ir.Value { return c.Of(x[0], x[1]) }
	}
	// Rows 1 2 3, 4 5 6, 7 8 9 and the kernel 1 2, 3 4: 1+4+12+20 = 37, ...
	plain := op.Conv{Kernel: 2, Stride: 1, Dilation: 1, Group: 1}
	wantFloats(t, []float64{37, 47, 67, 77}, conv(plain), ramp(1, 1, 3, 3), ramp(1, 1, 2, 2))
	// Dilation 2 takes the four corners: 1 + 2*3 + 3*7 + 4*9.
	dilated := op.Conv{Kernel: 2, Stride: 1, Dilation: 2, Group: 1}
	wantFloats(t, []float64{64}, conv(dilated), ramp(1, 1, 3, 3), ramp(1, 1, 2, 2))
	// Padding 1 and stride 2: each window sees one corner pixel of the image.
	padded := op.Conv{Kernel: 2, Stride: 2, Pad: 1, Dilation: 1, Group: 1}
	wantFloats(t, []float64{4, 3*2 + 4*3, 2*4 + 4*7, 5 + 2*6 + 3*8 + 4*9}, conv(padded),
		ramp(1, 1, 3, 3), ramp(1, 1, 2, 2))
	// Two groups: each channel has its own weight. Without groups, the channels are added.
	depth := op.Conv{Kernel: 1, Stride: 1, Dilation: 1, Group: 2}
	wantFloats(t, []float64{1, 2, 6, 8}, conv(depth), ramp(1, 2, 1, 2), ramp(2, 1, 1, 1))
	point := op.Conv{Kernel: 1, Stride: 1, Dilation: 1, Group: 1}
	wantFloats(t, []float64{7, 10}, conv(point), ramp(1, 2, 1, 2), ramp(1, 2, 1, 1))
	biased := func(x []*ir.Value) *ir.Value { return point.OfBias(x[0], x[1], x[2]) }
	wantFloats(t, []float64{2, 3, 4, 6}, biased, ramp(1, 1, 1, 2), ramp(2, 1, 1, 1), ramp(2))
}

func TestPoolsByHand(t *testing.T) {
	top := func(x []*ir.Value) *ir.Value { return op.MaxPool{Kernel: 2, Stride: 1}.Of(x[0]) }
	wantFloats(t, []float64{5, 6, 8, 9}, top, ramp(1, 1, 3, 3))
	// The padding does not count: the corner windows have four pixels.
	mean := func(x []*ir.Value) *ir.Value {
		return op.AveragePool{Kernel: 3, Stride: 2, Pad: 1}.Of(x[0])
	}
	wantFloats(t, []float64{3, 4, 6, 7}, mean, ramp(1, 1, 3, 3))
	// The first of equal maxima takes the gradient.
	first := func(x []*ir.Value) *ir.Value {
		y := op.MaxPool{Kernel: 2, Stride: 2}.Of(x[0])
		return op.MaxPool{Kernel: 2, Stride: 2}.VJP(ir.Pullback{Node: y.Def, Dy: x[1:]})[0]
	}
	wantFloats(t, []float64{0, 9, 0, 0}, first, eval.Floats([]float64{1, 2, 2, 2}, 1, 1, 2, 2),
		eval.Floats([]float64{9}, 1, 1, 1, 1))
}

func TestNormByHand(t *testing.T) {
	// Mean 2, biased variance 1, so x is -1, 1, -1, 1 before scale 2 and bias 3.
	in := []*eval.Tensor{eval.Floats([]float64{1, 3, 1, 3}, 2, 1, 1, 2), eval.Floats([]float64{2}, 1),
		eval.Floats([]float64{3}, 1), eval.Floats([]float64{10}, 1), eval.Floats([]float64{20}, 1)}
	result := func(i int) func(x []*ir.Value) *ir.Value {
		return func(x []*ir.Value) *ir.Value {
			return op.BatchNormTraining{Momentum: 0.75}.Of(x[0], x[1], x[2],
				op.Split{}.Of(x[3], 0, 1)[0], op.Split{}.Of(x[4], 0, 1)[0])[i]
		}
	}
	wantFloats(t, []float64{1, 5, 1, 5}, result(0), in...)
	wantFloats(t, []float64{0.75*10 + 0.25*2}, result(1), in...)
	wantFloats(t, []float64{0.75*20 + 0.25*1}, result(2), in...)
	wantFloats(t, []float64{2}, result(3), in...)
	wantFloats(t, []float64{1}, result(4), in...)
	wantFloats(t, []float64{3, 4}, func(x []*ir.Value) *ir.Value {
		return op.BatchNorm{}.Of(x[0], x[1], x[2], x[3], x[4])
	}, ramp(1, 1, 1, 2), ramp(1), eval.Floats([]float64{3}, 1), ramp(1), ramp(1))
}

func TestLinearByHand(t *testing.T) {
	wantFloats(t, []float64{1*5 + 2*7, 1*6 + 2*8, 3*5 + 4*7, 3*6 + 4*8},
		func(x []*ir.Value) *ir.Value { return op.MatMul{}.Of(x[0], x[1]) },
		ramp(2, 2), eval.Floats([]float64{5, 6, 7, 8}, 2, 2))
	third := 1.0 / 3
	wantFloats(t, []float64{third, third, third},
		func(x []*ir.Value) *ir.Value { return op.Softmax{}.Of(x[0]) },
		eval.Floats([]float64{800, 800, 800}, 3))
	wantFloats(t, []float64{(math.Log(2) + math.Log(4)) / 2}, func(x []*ir.Value) *ir.Value {
		return op.CrossEntropy{}.Of(x[0], x[0].Graph().Ints(0, 1))
	}, eval.Floats([]float64{0, 0, math.Log(3), 0}, 2, 2))
}

func TestShapesByHand(t *testing.T) {
	unary := func(f func(x *ir.Value) *ir.Value) func(x []*ir.Value) *ir.Value {
		return func(x []*ir.Value) *ir.Value { return f(x[0]) }
	}
	wantFloats(t, []float64{1, 4, 2, 5, 3, 6}, unary(op.Transpose{Perm: "10"}.Of), ramp(2, 3))
	wantFloats(t, []float64{5, 6, 8, 9}, unary(op.Slice{Top: 1, Left: 1}.Of), ramp(1, 1, 3, 3))
	wantFloats(t, []float64{2, 3}, unary(op.SliceVector{From: 1, Length: 2}.Of), ramp(4))
	wantFloats(t, []float64{0, 1, 2, 0, 0}, unary(op.PadVector{Before: 1, After: 2}.Of), ramp(2))
	wantFloats(t, []float64{0, 0, 0, 0, 1, 2}, unary(op.Pad{Top: 1, Left: 1}.Of), ramp(1, 1, 1, 2))
	wantFloats(t, []float64{1, 1, 2, 2}, unary(func(x *ir.Value) *ir.Value {
		return op.Expand{}.To(x, 2, 2)
	}), ramp(2, 1))
	wantFloats(t, []float64{3, 7}, unary(func(x *ir.Value) *ir.Value {
		return op.ReduceSum{}.Of(x, 1)
	}), ramp(2, 2))
	wantFloats(t, []float64{2, 4}, unary(func(x *ir.Value) *ir.Value {
		return op.Split{}.Of(x, 1, 1, 1)[1]
	}), ramp(2, 2))
	wantFloats(t, []float64{1, 2, 1, 3, 4, 2}, func(x []*ir.Value) *ir.Value {
		return op.Concat{Axis: 1}.Of(x[0], x[1])
	}, ramp(2, 2), ramp(2, 1))
	wantFloats(t, []float64{1, 2, 3, 2, 3, 4}, func(x []*ir.Value) *ir.Value {
		return op.Add{}.Of(x[0], op.Sub{}.Of(x[1], x[0].Graph().Scalar(1)))
	}, ramp(2, 1, 1), ramp(3)) // 1 + {0,1,2}, 2 + {0,1,2}
}

func TestCountCorrect(t *testing.T) {
	wantFloats(t, []float64{2}, func(x []*ir.Value) *ir.Value {
		return op.CountCorrect(x[0], x[0].Graph().Ints(1, 0, 1))
	}, eval.Floats([]float64{1, 2, 5, 5, 4, 3}, 3, 2))
}

func TestOverwriteHappensAtTheEnd(t *testing.T) {
	g := ir.New("test")
	a, b := g.Input("a", ir.T(ir.Float, 2)), g.Input("b", ir.T(ir.Float, 2))
	view := op.Relu{}.Of(op.Reshape{}.To(a, 1, 2))
	g.Output("before", view)
	sum := op.Add{}.Of(op.Reshape{}.To(view, 2), b)
	g.Output("sum", sum)
	g.Output("wrote_a", op.Overwrite{}.Of(a, op.Add{}.Of(sum, g.Scalar(1))))
	in := map[string]*eval.Tensor{"a": ramp(2), "b": eval.Floats([]float64{10, 20}, 2)}
	out, err := eval.Run(g, in)
	if err != nil {
		t.Fatal(err)
	}
	if got := in["a"].F; !slices.Equal(got, []float64{12, 23}) {
		t.Errorf("a is %v after the run", got)
	}
	if got := out["before"].F; !slices.Equal(got, []float64{1, 2}) {
		t.Errorf("a was %v before", got)
	}
	if got := out["sum"].F; !slices.Equal(got, []float64{11, 22}) {
		t.Errorf("sum is %v", got)
	}
	if !out["wrote_a"].B[0] {
		t.Error("the flag is false")
	}
}

func TestValuesShowsEveryValue(t *testing.T) {
	g := ir.New("test")
	x := g.Input("x", ir.T(ir.Float, 2))
	two := g.Scalar(2)
	y := op.Mul{}.Of(x, two)
	z := op.Relu{}.Of(y)
	values, err := eval.Values(g, map[string]*eval.Tensor{"x": ramp(2)})
	if err != nil {
		t.Fatal(err)
	}
	if values[x].F[1] != 2 || values[two].F[0] != 2 || values[y].F[1] != 4 || values[z].F[1] != 4 {
		t.Errorf("values are %v", values)
	}
}

// strange is an operator that the evaluator does not know.
type strange struct{ op.Relu }

func (strange) OpType() (string, string) { return "test", "Strange" }

func TestErrors(t *testing.T) {
	wantError := func(in map[string]*eval.Tensor, build func(x *ir.Value) *ir.Value, want string) {
		t.Helper()
		g := ir.New("test")
		g.In("cell3", func() { g.Output("y", build(g.Input("x", ir.T(ir.Float, 2, 3)))) })
		if _, err := eval.Run(g, in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	relu := func(x *ir.Value) *ir.Value { return op.Relu{}.Of(x) }
	x := map[string]*eval.Tensor{"x": ramp(2, 3)}
	wantError(x, func(x *ir.Value) *ir.Value { return x.Graph().Add1(strange{}, x) },
		`node 0 Strange (cell3): operator eval_test.strange (domain "test", name "Strange") is not known`)
	wantError(nil, relu, "eval: input x is missing")
	wantError(map[string]*eval.Tensor{"x": ramp(3, 2)}, relu,
		"eval: input x: wants float[2,3], got shape [3 2] with 6 float, 0 int64, 0 bool elements")
	wantError(map[string]*eval.Tensor{"x": ramp(2, 3), "z": ramp(1)}, relu,
		"eval: the graph has 1 inputs, got 2")
	wantError(x, func(x *ir.Value) *ir.Value { return op.Cast{To: ir.Uint8}.Of(x) },
		"node 0 Cast (cell3): cast to uint8 is not supported")
	wantError(x, func(x *ir.Value) *ir.Value {
		return op.CrossEntropy{}.Of(x, x.Graph().Ints(0, 3))
	}, "label 3 of row 1 is not one of 3 classes")
	wantError(x, func(x *ir.Value) *ir.Value {
		return x.Graph().Constant(ir.T(ir.Bool, 1), &ir.Constant{Bytes: []byte{1}})
	}, "eval: constant bool[1] has raw bytes, which are not supported")
	wantError(x, func(x *ir.Value) *ir.Value {
		y := relu(x)
		y.Shape = []int{3, 2}
		return y
	}, "output 0 is float[3,2], its type rule gives float[2,3]")
}
