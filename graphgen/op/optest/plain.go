package optest

import (
	"fmt"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// operands are the pairs of shapes that elementwise operators combine: equal shapes, a number of
// any rank on either side, vectors, and both sides broadcast.
var operands = [][2][]int{
	{{2, 3, 4, 5}, {2, 3, 4, 5}},
	{{2, 3, 4, 5}, {}},
	{{}, {2, 3, 4, 5}},
	{{2, 3, 4, 5}, {1}},
	{{1}, {2, 3, 4, 5}},
	{{2, 3, 4, 5}, {1, 1, 1, 1}},
	{{2, 3, 4, 5}, {2, 1, 1, 1}},
	{{2, 3, 4, 5}, {3, 1, 1}},
	{{7}, {7}},
	{{7}, {1}},
	{{7}, {}},
	{{}, {}},
	{{1}, {}},
	{{}, {1}},
	{{3, 1}, {1, 4}},
	{{4}, {3, 1, 4}},
	{{1, 1}, {3}},
}

// Elementwise covers the arithmetic operators with broadcasting, and the square root.
func Elementwise() []Case {
	var cases []Case
	for _, s := range operands {
		in := []Input{Normal(s[0]...), Normal(s[1]...)}
		divisor := []Input{Normal(s[0]...), Positive(s[1]...)}
		binary := func(name string, of func(x, y *ir.Value) *ir.Value, in []Input, step float64) Case {
			return Case{Name: fmt.Sprint(name, "/", s[0], s[1]), Step: step, Inputs: in,
				NoGrad: step == 0,
				Build:  one(func(x []*ir.Value) *ir.Value { return of(x[0], x[1]) })}
		}
		cases = append(cases, binary("add", op.Add{}.Of, in, Exact),
			binary("sub", op.Sub{}.Of, in, Exact), binary("mul", op.Mul{}.Of, in, Exact),
			binary("div", op.Div{}.Of, divisor, Small), binary("max", op.Max{}.Of, in, 0))
	}
	for _, s := range [][]int{{}, {1}, {2, 3}} {
		cases = append(cases, Case{Name: fmt.Sprint("sqrt/", s), Step: Small,
			Inputs: []Input{Positive(s...)},
			Build:  one(func(x []*ir.Value) *ir.Value { return op.Sqrt{}.Of(x[0]) })},
			Case{Name: fmt.Sprint("sigmoid/", s), Step: Small, Inputs: []Input{Normal(s...)},
				Build: one(func(x []*ir.Value) *ir.Value { return op.Sigmoid{}.Of(x[0]) })})
	}
	return append(cases, Case{Name: "mul/square", Step: Small, Inputs: []Input{Normal(2, 3)},
		Build: one(func(x []*ir.Value) *ir.Value { return op.Mul{}.Of(x[0], x[0]) })})
}

// Reduce covers the sums and means.
func Reduce() []Case {
	var cases []Case
	for _, axes := range [][]int64{{}, {0}, {1, 2}, {3, 2, 0}, {0, 1, 2, 3}} {
		cases = append(cases, Case{Name: fmt.Sprint("reduce_sum/", axes), Step: Exact,
			Inputs: []Input{Normal(2, 3, 4, 5)},
			Build:  one(func(x []*ir.Value) *ir.Value { return op.ReduceSum{}.Of(x[0], axes...) })})
	}
	for _, s := range [][]int{{2, 3, 4, 5}, {7}, {1}, {}} {
		in := []Input{Normal(s...)}
		cases = append(cases,
			Case{Name: fmt.Sprint("reduce_mean/", s), Step: Exact, Inputs: in,
				Build: one(func(x []*ir.Value) *ir.Value { return op.ReduceMean{}.Of(x[0]) })},
			Case{Name: fmt.Sprint("reduce_sum_square/", s), Step: Small, Inputs: in,
				Build: one(func(x []*ir.Value) *ir.Value { return op.ReduceSumSquare{}.Of(x[0]) })},
			Case{Name: fmt.Sprint("reduce_extremes/", s), NoGrad: true, Inputs: in,
				Build: func(x []*ir.Value) []*ir.Value {
					return []*ir.Value{op.ReduceMin{}.Of(x[0]), op.ReduceMax{}.Of(x[0])}
				}})
	}
	return cases
}

func linear(name string, of func(x *ir.Value) *ir.Value, shape ...int) Case {
	return Case{Name: name, Step: Exact, Inputs: []Input{Normal(shape...)},
		Build: one(func(x []*ir.Value) *ir.Value { return of(x[0]) })}
}

// Shape covers reshapes, broadcasts and permutations, and the channel shuffle made of them.
func Shape() []Case {
	reshape := func(from, to []int) Case {
		return linear(fmt.Sprint("reshape/", from, to),
			func(x *ir.Value) *ir.Value { return op.Reshape{}.To(x, to...) }, from...)
	}
	expand := func(from, to []int) Case {
		return linear(fmt.Sprint("expand/", from, to),
			func(x *ir.Value) *ir.Value { return op.Expand{}.To(x, to...) }, from...)
	}
	shuffle := func(x *ir.Value) *ir.Value {
		g := op.Reshape{}.To(x, 2, 4, 3, 5, 4)
		return op.Reshape{}.To(op.Transpose{Perm: "02134"}.Of(g), 2, 12, 5, 4)
	}
	scaledView := func(x *ir.Value) *ir.Value { // the product must not use the memory of x
		two := x.Graph().Scalar(2)
		return op.Mul{}.Of(op.Reshape{}.To(op.Mul{}.Of(op.Flatten{}.Of(x), two), 6, 2), two)
	}
	return []Case{
		linear("reshape/scaled_view", scaledView, 2, 3, 2),
		reshape([]int{2, 12, 5, 4}, []int{2, 4, 3, 5, 4}),
		reshape([]int{2, 4, 1, 1}, []int{2, 4}),
		reshape([]int{1}, []int{}),
		reshape([]int{}, []int{1, 1}),
		reshape([]int{2, 3}, []int{2, 3}),
		linear("flatten/image", op.Flatten{}.Of, 2, 3, 4, 5),
		linear("flatten/vector", op.Flatten{}.Of, 6),
		expand([]int{}, []int{2, 3}),
		expand([]int{1}, []int{4}),
		expand([]int{2, 3, 1, 1}, []int{2, 3, 4, 5}),
		expand([]int{3}, []int{2, 3}),
		expand([]int{2, 3}, []int{2, 3}),
		linear("transpose/10", op.Transpose{Perm: "10"}.Of, 3, 4),
		linear("transpose/2031", op.Transpose{Perm: "2031"}.Of, 2, 3, 4, 5),
		linear("transpose/shuffle", shuffle, 2, 12, 5, 4),
	}
}

// Split covers operators that join and cut: channels of partial-channel cells, the pieces of the
// weight vector, the shifted branch of a factorised reduction.
func Split() []Case {
	concat := func(axis int, in ...Input) Case {
		return Case{Name: fmt.Sprintf("concat/axis%d_of_%d", axis, len(in)), Step: Exact, Inputs: in,
			Build: one(func(x []*ir.Value) *ir.Value { return op.Concat{Axis: axis}.Of(x...) })}
	}
	split := func(name string, axis int, pieces []int, keep []int, shape ...int) Case {
		return Case{Name: "split/" + name, Step: Exact, Inputs: []Input{Normal(shape...)},
			Build: func(x []*ir.Value) []*ir.Value {
				all := op.Split{}.Of(x[0], axis, pieces...)
				var out []*ir.Value
				for _, i := range keep {
					out = append(out, all[i])
				}
				return out
			}}
	}
	cases := []Case{
		concat(1, Normal(2, 1, 4, 5), Normal(2, 3, 4, 5)),
		concat(1, Normal(2, 4, 3, 3), Normal(2, 4, 3, 3), Normal(2, 4, 3, 3), Normal(2, 4, 3, 3)),
		concat(0, Normal(5), Normal(1), Normal(7)),
		concat(0, Normal(5)),
		split("channels", 1, []int{1, 3}, []int{0, 1}, 2, 4, 5, 3),
		split("one_unused", 1, []int{1, 3}, []int{1}, 2, 4, 5, 3),
		split("vector", 0, []int{5, 1, 7}, []int{2, 0, 1}, 13),
		split("whole", 0, []int{13}, []int{0}, 13),
	}
	for _, o := range []op.Slice{{Top: 1, Left: 1}, {Top: 0, Left: 2}, {Top: 3, Left: 0},
		{Bottom: 1, Right: 1}, {Top: 1, Left: 2, Bottom: 3, Right: 1}} {
		name := fmt.Sprintf("%d_%d_%d_%d", o.Top, o.Left, o.Bottom, o.Right)
		cases = append(cases, linear("slice/"+name, o.Of, 2, 3, 6, 5),
			linear("pad/"+name, op.Pad(o).Of, 2, 3, 6, 5))
	}
	for _, o := range []op.SliceChannels{{From: 0, Length: 2}, {From: 1, Length: 3}, {From: 2, Length: 1}} {
		cases = append(cases, linear(fmt.Sprintf("slice/channels_%d_%d", o.From, o.Length), o.Of, 2, 4, 3, 5))
	}
	for _, o := range []op.PadVector{{Before: 2, After: 3}, {Before: 4}, {After: 1}} {
		cases = append(cases, linear(fmt.Sprintf("pad/vector_%d_%d", o.Before, o.After), o.Of, 5),
			linear(fmt.Sprintf("slice/vector_%d", o.Before), op.SliceVector{From: o.Before, Length: 2}.Of, 6))
	}
	return cases
}
