package optest

import (
	"fmt"
	"slices"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// Normalize covers our own batch norm without and with each of its optional inputs.
func Normalize() []Case {
	var cases []Case
	for _, size := range [][2]int{{4, 5}, {9, 8}, {16, 16}, {1, 1}} {
		h, w := size[0], size[1]
		x := Normal(4, 3, h, w)
		add := func(name string, build func(x []*ir.Value) *ir.Value, in ...Input) {
			cases = append(cases, Case{Name: fmt.Sprintf("normalize/%s_%dx%d", name, h, w), Step: Small,
				Inputs: append([]Input{x}, in...), Build: one(build)})
		}
		o := op.Normalize{Epsilon: 1e-5}
		add("plain", func(x []*ir.Value) *ir.Value { return o.Of(x[0], nil, nil, nil)[0] })
		add("number", func(x []*ir.Value) *ir.Value { return o.Of(x[0], x[1], nil, nil)[0] }, Normal(1))
		add("affine", func(x []*ir.Value) *ir.Value { return o.Of(x[0], x[1], x[2], nil)[0] },
			Normal(3), Normal(3))
		add("sum", func(x []*ir.Value) *ir.Value { return o.Of(x[0], nil, nil, x[1])[0] },
			Normal(4, 3, h, w))
	}
	return append(cases, Case{Name: "normalize/statistics", NoGrad: true,
		Inputs: []Input{Positive(3, 5, 7, 6)}, Build: func(x []*ir.Value) []*ir.Value {
			return op.Normalize{Epsilon: 1e-3}.Of(x[0], nil, nil, nil)
		}})
}

// Unit covers ReluConvNorm with every window of the cells, with channels that do not fill a tile,
// and with all its optional inputs.
func Unit() []Case {
	var cases []Case
	windows := []op.ReluConvNorm{{}, {Kernel: 3, Stride: 1, Pad: 1, Dilation: 1},
		{Kernel: 3, Stride: 2, Pad: 1, Dilation: 1}, {Kernel: 5, Stride: 1, Pad: 2, Dilation: 1},
		{Kernel: 5, Stride: 2, Pad: 2, Dilation: 1}, {Kernel: 3, Stride: 1, Pad: 2, Dilation: 2},
		{Kernel: 3, Stride: 2, Pad: 2, Dilation: 2}, {Kernel: 5, Stride: 1, Pad: 4, Dilation: 2},
		{Kernel: 5, Stride: 2, Pad: 4, Dilation: 2}, {Kernel: 2, Stride: 1, Dilation: 1}}
	sizes := [][4]int{{4, 4, 8, 8}, {3, 5, 9, 7}, {6, 2, 6, 17}} // C, M, H, W
	for i, o := range windows {
		o.Epsilon = 1e-5
		for j := range 2 {
			cases = append(cases, unitCase(3, o, sizes[(i+j)%len(sizes)], (i+j)%4))
		}
	}
	for i, o := range windows[1:9] { // rows of whole vectors
		o.Epsilon = 1e-5
		cases = append(cases, unitCase(3, o, [4]int{2, 3, 16, 16}, i%4))
	}
	for i, o := range windows[:9] { // small samples, of which a task computes several
		o.Epsilon = 1e-5
		side := 4 << (i % 2)
		cases = append(cases, unitCase(17, o, [4]int{2, 3, side, side}, i/2%4))
	}
	return append(cases, Case{Name: "unit/statistics", NoGrad: true,
		Inputs: []Input{Positive(3, 2, 7, 6), Positive(3, 2)}, Build: func(x []*ir.Value) []*ir.Value {
			return op.ReluConvNorm{Epsilon: 1e-3}.Of(x[0], x[1], nil, nil, nil, nil)
		}})
}

// WideUnit covers units with more channels than a tile of a GPU's kernel has, and one with more tiles than
// blocks, forward and backward.
func WideUnit() []Case {
	var cases []Case
	for i, o := range []op.ReluConvNorm{{}, {Kernel: 3, Stride: 1, Pad: 1, Dilation: 1},
		{Kernel: 5, Stride: 2, Pad: 2, Dilation: 1}, {Kernel: 3, Stride: 1, Pad: 2, Dilation: 2}} {
		o.Epsilon = 1e-5
		c := unitCase(3, o, [4]int{40 - 5*i, 33 + 16*i, 12, 12}, i)
		c.NoGrad = i == 3
		cases = append(cases, c)
	}
	many := Case{Name: "unit/many", Inputs: []Input{Normal(100, 2, 12, 14), Normal(3, 2), Normal(18), Normal(3)},
		Build: one(func(x []*ir.Value) *ir.Value {
			return op.ReluConvNorm{Kernel: 3, Stride: 1, Pad: 1, Dilation: 1, Epsilon: 1e-5}.
				Of(x[0], x[1], x[2], x[3], nil, nil)[0]
		})}
	return append(cases, many)
}

// unitCase is a unit of n samples with one kind of optional inputs: none, a scale of one number, scale and bias,
// or scale and an addend.
func unitCase(n int, o op.ReluConvNorm, size [4]int, kind int) Case {
	c, m, h, w := size[0], size[1], size[2], size[3]
	in := []Input{Apart(n, c, h, w), Normal(m, c, 1, 1)}
	if o.Kernel > 0 {
		in = append(in, Normal(c*o.Kernel*o.Kernel))
	}
	first := len(in)
	switch kind {
	case 1:
		in = append(in, Normal(1))
	case 2:
		in = append(in, Normal(m), Normal(m))
	case 3:
		y, err := o.Infer(append(inputTypes(in), make([]ir.Type, 3-first)...))
		if err != nil {
			panic(err)
		}
		in = append(in, Positive(), Normal(y[0].Shape...))
	}
	build := func(x []*ir.Value) *ir.Value {
		var v *ir.Value
		if o.Kernel > 0 {
			v = x[2]
		}
		rest := append(x[first:len(x):len(x)], nil, nil)
		switch kind {
		case 1:
			return o.Of(x[0], x[1], v, rest[0], nil, nil)[0]
		case 2:
			return o.Of(x[0], x[1], v, rest[0], rest[1], nil)[0]
		case 3:
			return o.Of(x[0], x[1], v, rest[0], nil, rest[1])[0]
		}
		return o.Of(x[0], x[1], v, nil, nil, nil)[0]
	}
	name := fmt.Sprintf("unit/k%d_s%d_d%d_%v_%d", o.Kernel, o.Stride, o.Dilation, size, kind)
	if n != 3 {
		name += fmt.Sprintf("_of_%d", n)
	}
	return Case{Name: name, Step: Small, Inputs: in, Build: one(build)}
}

// Halves covers factorised reductions in our own kernels.
func Halves() []Case {
	var cases []Case
	for _, s := range [][5]int{{3, 4, 3, 8, 6}, {2, 40, 35, 4, 10}, {3, 3, 1, 4, 2}, {2, 16, 17, 8, 32}, {17, 2, 3, 4, 4}} { // N, C, M/2, H, W
		o := op.ReluConvNorm{Kernel: op.Halves, Stride: 2, Dilation: 1, Epsilon: 1e-5}
		add := func(name string, build func(x []*ir.Value) []*ir.Value, in ...Input) {
			in = append([]Input{Apart(s[0], s[1], s[3], s[4]), Normal(s[2], s[1], 1, 1), Normal(s[2], s[1], 1, 1)}, in...)
			cases = append(cases, Case{Name: fmt.Sprintf("halves/%s_%v", name, s), Step: Small, Inputs: in, Build: build})
		}
		add("plain", one(func(x []*ir.Value) *ir.Value { return o.Of(x[0], x[1], x[2], nil, nil, nil)[0] }))
		add("sum", one(func(x []*ir.Value) *ir.Value { return o.Of(x[0], x[1], x[2], x[3], nil, x[4])[0] }), Positive(),
			Normal(s[0], 2*s[2], s[3]/2, s[4]/2))
	}
	return cases
}

// Known covers units that get their statistics, and gradients of units that get the result of the unit, for all
// outputs and for each alone.
func Known() []Case {
	var cases []Case
	for _, o := range []op.ReluConvNorm{{}, {Kernel: 3, Stride: 1, Pad: 1, Dilation: 1},
		{Kernel: 5, Stride: 2, Pad: 2, Dilation: 1}, {Kernel: op.Halves, Stride: 2, Dilation: 1}} {
		o.Epsilon = 1e-5
		const n, c, m, h, w = 3, 5, 6, 8, 16
		in := []Input{Apart(n, c, h, w), Normal(m, c), Normal(n, m, h/max(o.Stride, 1), w/max(o.Stride, 1))}
		switch {
		case o.Kernel == op.Halves:
			in[1] = Normal(m/2, c)
			in = append(in, Normal(m/2, c))
		case o.Kernel > 0:
			in = append(in, Normal(c*o.Kernel*o.Kernel))
		}
		cases = append(cases, Case{Name: fmt.Sprintf("unit/known_k%d", o.Kernel), NoGrad: true,
			Inputs: append(slices.Clone(in), Normal(1), Normal(m)), Build: func(x []*ir.Value) []*ir.Value {
				last := len(x) - 1
				var v *ir.Value
				if last > 4 {
					v = x[3]
				}
				first := o.Of(x[0], x[1], v, nil, nil, nil)
				again := op.WithStatistics(first[0].Def, []*ir.Value{x[0], x[1], v, x[last-1], x[last], x[2]})
				return x[0].Graph().Add(o, again...)
			}})
		for _, wanted := range []int{-1, 0, 1, 2} {
			if wanted == 2 && o.Kernel == 0 {
				continue
			}
			cases = append(cases, Case{Name: fmt.Sprintf("unit/known_k%d_%d", o.Kernel, wanted), NoGrad: true, Inputs: in,
				Build: func(x []*ir.Value) []*ir.Value {
					var v *ir.Value
					if len(x) > 3 {
						v = x[3]
					}
					want := []bool{wanted < 0 || wanted == 0, wanted < 0 || wanted == 1, v != nil && (wanted < 0 || wanted == 2),
						false, wanted < 0}
					u := o.Of(x[0], x[1], v, nil, nil, nil)
					outs := x[0].Graph().AddWanted(op.ReluConvNormGrad{Unit: o}, want, x[2], x[0], u[1], u[2], x[1], v)
					first := slices.IndexFunc(outs, func(v *ir.Value) bool { return v != nil })
					op.GiveResult(outs[first].Def, u[0])
					return slices.DeleteFunc(outs, func(v *ir.Value) bool { return v == nil })
				}})
		}
	}
	return cases
}

func inputTypes(in []Input) []ir.Type {
	var types []ir.Type
	for _, i := range in {
		types = append(types, ir.T(ir.Float, i.Shape...))
	}
	return types
}

// Scaled covers the product with a number, without and with an addend.
func Scaled() []Case {
	var cases []Case
	for _, s := range [][]int{{2, 3, 4, 5}, {7}, {3, 4, 40, 40}} {
		cases = append(cases,
			Case{Name: fmt.Sprint("scaled/", s), Step: Exact, Inputs: []Input{Normal(s...), Normal(1)},
				Build: one(func(x []*ir.Value) *ir.Value { return op.Scaled{}.Of(x[0], x[1], nil) })},
			Case{Name: fmt.Sprint("scaled/sum", s), Step: Exact,
				Inputs: []Input{Normal(s...), Normal(), Normal(s...)},
				Build:  one(func(x []*ir.Value) *ir.Value { return op.Scaled{}.Of(x[0], x[1], x[2]) })})
	}
	return cases
}

// ScaledImages covers products with a number for each image, which only a GPU's kernels compute.
func ScaledImages() []Case {
	return []Case{
		{Name: "scaled/images", Step: Exact, Inputs: []Input{Normal(3, 5, 4, 7), Normal(3, 1, 1, 1)},
			Build: one(func(x []*ir.Value) *ir.Value { return op.Scaled{}.Of(x[0], x[1], nil) })},
		{Name: "scaled/images_sum", Step: Exact,
			Inputs: []Input{Normal(2, 3, 9, 5), Normal(2, 1, 1, 1), Normal(2, 3, 9, 5)},
			Build:  one(func(x []*ir.Value) *ir.Value { return op.Scaled{}.Of(x[0], x[1], x[2]) })},
	}
}

// DirectPool covers our own pools.
func DirectPool() []Case {
	var cases []Case
	for _, size := range [][2]int{{7, 6}, {6, 7}, {32, 33}, {1, 2}} {
		h, w := size[0], size[1]
		for _, n := range [][3]int{{3, 1, 1}, {3, 2, 1}, {2, 2, 0}, {2, 1, 1}, {3, 1, 0}, {3, 2, 2}} {
			if min(h, w)+2*n[2] < n[0] {
				continue
			}
			name := fmt.Sprintf("k%d_s%d_p%d_%dx%d", n[0], n[1], n[2], h, w)
			m, a := op.DirectMaxPool{Kernel: n[0], Stride: n[1], Pad: n[2]},
				op.DirectAveragePool{Kernel: n[0], Stride: n[1], Pad: n[2]}
			cases = append(cases,
				Case{Name: "direct_max_pool/" + name, Step: Small, Inputs: []Input{Apart(2, 3, h, w)},
					Build: one(func(x []*ir.Value) *ir.Value { return m.Of(x[0]) })},
				Case{Name: "direct_average_pool/" + name, Step: Exact, Inputs: []Input{Normal(2, 3, h, w)},
					Build: one(func(x []*ir.Value) *ir.Value { return a.Of(x[0]) })})
		}
	}
	return cases
}

// Addends covers the gradients that add a tensor to dX.
func Addends() []Case {
	image, half, stat := Normal(2, 4, 6, 6), Normal(2, 4, 3, 3), Positive(4)
	unit := op.ReluConvNorm{Kernel: 3, Stride: 2, Pad: 1, Dilation: 1, Epsilon: 1e-5}
	pool := op.DirectMaxPool{Kernel: 3, Stride: 2, Pad: 1}
	grad := func(o ir.Op, in ...Input) Case {
		_, name := o.OpType()
		return Case{Name: "addend/" + name, NoGrad: true, Inputs: in,
			Build: func(x []*ir.Value) []*ir.Value { return x[0].Graph().Add(o, x...) }}
	}
	cases := []Case{
		grad(op.NormalizeGrad{Epsilon: 1e-5}, image, image, stat, stat, stat, image),
		grad(op.ReluConvNormGrad{Unit: unit}, half, image, stat, stat, Normal(4, 4), Normal(36), stat,
			image),
		grad(op.DirectMaxPoolGrad{Pool: pool}, half, image, image),
		grad(op.DirectAveragePoolGrad{Pool: op.DirectAveragePool(pool), Height: 6, Width: 6}, half,
			image),
		grad(op.Normalize{Epsilon: 1e-5}, image, stat, stat, image),
		grad(op.Scaled{}, image, Normal(1), image),
		grad(unit, image, Normal(4, 4), Normal(36), stat, stat, half),
	}
	for _, c := range cases[:len(cases):len(cases)] {
		cases = append(cases, writtenOver(c))
	}
	return cases
}

// writtenOver is a case whose last input is added in its own memory: the node gets a copy of it.
func writtenOver(c Case) Case {
	build := c.Build
	c.Name += "_over"
	c.Build = func(x []*ir.Value) []*ir.Value {
		last := len(x) - 1
		outs := build(append(slices.Clone(x[:last]), op.Mul{}.Of(x[last], x[0].Graph().Scalar(3))))
		n := outs[0].Def
		op.WriteOver(n, n.Op.(op.Accumulator))
		for i, y := range outs { // a graph output would have memory of its own
			outs[i] = op.Mul{}.Of(y, x[0].Graph().Scalar(1))
		}
		return outs
	}
	return c
}

// Group covers groups: of operators that depend on each other, of one with a result that it reads itself and
// with more jobs than a launch takes, and of views. Sums of every kind of term become one.
func Group() []Case {
	image, half := Normal(3, 4, 8, 8), Normal(3, 4, 4, 4)
	unit := op.ReluConvNorm{Kernel: 3, Stride: 1, Pad: 1, Dilation: 1, Epsilon: 1e-5}
	wide := op.ReluConvNorm{Kernel: 5, Stride: 2, Pad: 4, Dilation: 2, Epsilon: 1e-5}
	pool := op.DirectMaxPool{Kernel: 3, Stride: 1, Pad: 1}
	weights := Normal(16 + 36 + 16 + 36 + 3)
	cut := func(flat *ir.Value) []*ir.Value {
		return op.Split{}.Of(op.SliceVector{Length: 16 + 36 + 16 + 36}.Of(flat), 0, 16, 36, 16, 36)
	}
	node := func(x []*ir.Value) []*ir.Value {
		w := cut(x[1])
		hidden := unit.Of(x[0], w[0], w[1], nil, nil, nil)
		y := unit.Of(hidden[0], op.Reshape{}.To(w[2], 4, 4, 1, 1), w[3], x[2], nil, nil)[0]
		pooled := op.Normalize{Epsilon: 1e-5}.Of(pool.Of(x[0]), nil, nil, nil)
		average := op.DirectAveragePool(pool).Of(x[0])
		sum := op.Scaled{}.Of(x[0], x[2], op.Add{}.Of(y, op.Scaled{}.Of(pooled[0], x[2], average)))
		return []*ir.Value{sum, hidden[1], hidden[2], op.Dot{}.Of(sum, x[0])}
	}
	back := func(x []*ir.Value) []*ir.Value {
		g, w := x[0].Graph(), cut(x[1])
		d := g.Add(op.ReluConvNormGrad{Unit: unit}, x[4], x[0], x[3], x[3], w[0], w[1], x[2])
		e := g.Add(op.ReluConvNormGrad{Unit: wide}, x[5], x[0], x[3], x[3], w[2], x[6], x[3])
		n := g.Add(op.NormalizeGrad{Epsilon: 1e-5}, x[4], x[0], x[3], x[3], x[2], nil)
		m := g.Add1(op.DirectMaxPoolGrad{Pool: pool}, n[0], x[0], nil)
		a := g.Add1(op.DirectAveragePoolGrad{Pool: op.DirectAveragePool(pool), Height: 8, Width: 8}, n[0], nil)
		sum := op.Add{}.Of(op.Add{}.Of(d[0], e[0]), op.Add{}.Of(m, op.Scaled{}.Of(a, x[2], nil)))
		f := g.AddWanted(op.ReluConvNormGrad{Unit: unit}, []bool{false, true, true, true, true}, sum, d[0], x[3], x[3],
			w[0], w[1], x[3])
		return append(append([]*ir.Value{sum}, append(d[1:], e[1:]...)...), f[1:]...)
	}
	many := func(x []*ir.Value) []*ir.Value {
		sum, list := x[0], []*ir.Value{}
		for i := range 150 {
			y := op.Normalize{Epsilon: 1e-5}.Of(x[i%2], x[2], nil, nil)
			sum, list = op.Add{}.Of(y[0], sum), append(list, y[1])
		}
		return append([]*ir.Value{sum, op.Add{}.Of(sum, sum), op.Concat{}.Of(list...)}, list[:70]...)
	}
	add := func(name string, build func(x []*ir.Value) []*ir.Value, in ...Input) Case {
		return Case{Name: "group/" + name, NoGrad: true, Inputs: in, Build: func(x []*ir.Value) []*ir.Value {
			return gathered(build(x))
		}}
	}
	return []Case{add("node", node, image, weights, Normal(1)), add("many", many, image, image, Normal(1)),
		add("back", back, image, weights, Normal(1), Positive(4), image, half, Normal(100))}
}

// gathered makes one node of all nodes of a graph.
func gathered(outs []*ir.Value) []*ir.Value {
	g := outs[0].Graph()
	g.Nodes = []*ir.Node{op.Gather(g.Nodes, func(v *ir.Value) bool { return slices.Contains(outs, v) })}
	return outs
}
