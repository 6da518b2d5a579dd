package op_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op/optest"
)

// tolerance is that of a gradient, relative to the sum of the magnitudes of the terms of the inner
// product. Gradients that divide by an element count meet it because the count, unlike its inverse,
// is exact in float32.
const tolerance = 1e-8

// checkCases proves the gradients of all cases that have one.
func checkCases(t *testing.T, cases []optest.Case) {
	t.Helper()
	for _, c := range cases {
		if !c.NoGrad {
			t.Run(c.Name, func(t *testing.T) {
				checkVJP(t, c)
				checkUnwanted(t, c)
			})
		}
	}
}

// checkVJP proves the gradient with respect to every input on its own: for a random direction u and
// cotangent c, <VJP(c), u> = (<c, f(x+su)> - <c, f(x-su)>) / 2s. It also checks that each gradient
// can be computed without the others.
func checkVJP(t *testing.T, c optest.Case) {
	t.Helper()
	all := make([]int, len(c.Inputs))
	for i := range all {
		all[i] = i
	}
	g := c.Graph(all...)
	values := c.Values(g)
	out := run(t, g.Graph, values)
	for i, x := range g.In {
		grad := out[fmt.Sprintf("g%d", i)]
		if g.Grad[i] == nil { // then the results must not depend on input i
			grad = eval.Floats(make([]float64, x.Elements()), x.Shape...)
		}
		want, scale := slope(t, c, g, values, x.Name, grad)
		got := want.direction.dot(grad)
		if d := math.Abs(got - want.value); !(d <= tolerance*scale) {
			t.Errorf("gradient of input %d along a direction is %.12g, difference quotient %.12g, "+
				"off by %.2g of %.2g", i, got, want.value, d, scale)
		}
		if g.Grad[i] != nil {
			checkAlone(t, c, i, values, grad)
		}
	}
}

type direction []float64

func (u direction) dot(t *eval.Tensor) float64 {
	sum := 0.0
	for i, v := range t.F {
		sum += u[i] * v
	}
	return sum
}

// quotient is a central difference along a direction.
type quotient struct {
	direction direction
	value     float64
}

// slope returns the central difference of <c, y> along a random direction of one input, and the
// magnitude of the numbers in the comparison.
func slope(t *testing.T, c optest.Case, g *optest.Graph, at map[string]*eval.Tensor, name string,
	grad *eval.Tensor) (quotient, float64) {
	t.Helper()
	r := rand.New(rand.NewPCG(7, uint64(len(name))))
	x := at[name]
	u := make(direction, len(x.F))
	scale := 1e-3
	for i := range u {
		u[i] = r.NormFloat64()
		scale += math.Abs(u[i] * grad.F[i])
	}
	side := func(s float64) float64 {
		moved := maps.Clone(at)
		moved[name] = x.Clone()
		for i := range u {
			moved[name].F[i] += s * u[i]
		}
		out, sum := run(t, g.Graph, moved), 0.0
		for i := range g.Out {
			sum += direction(at[fmt.Sprintf("c%d", i)].F).dot(out[fmt.Sprintf("y%d", i)])
		}
		return sum
	}
	return quotient{u, (side(c.Step) - side(-c.Step)) / (2 * c.Step)}, scale
}

// checkAlone asks for one gradient only: it must be the same, and every node built must serve it.
func checkAlone(t *testing.T, c optest.Case, i int, values map[string]*eval.Tensor,
	want *eval.Tensor) {
	t.Helper()
	g := c.Graph(i)
	if got := run(t, g.Graph, values)[fmt.Sprintf("g%d", i)]; !slices.Equal(got.F, want.F) {
		t.Errorf("the gradient of input %d is another one when it is asked for alone", i)
	}
	nodes, outputs := size(g.Nodes[g.Forward:])
	g.Trim()
	if n, o := size(g.Nodes[g.Forward:]); n != nodes || o != outputs {
		t.Errorf("the gradient of input %d has %d nodes with %d outputs, %d and %d would do",
			i, nodes, outputs, n, o)
	}
}

// size counts nodes and the outputs that they produce.
func size(list []*ir.Node) (nodes, outputs int) {
	for _, n := range list {
		nodes++
		for _, v := range n.Out {
			if v != nil {
				outputs++
			}
		}
	}
	return nodes, outputs
}

// checkUnwanted calls the rule of an operator with several float inputs twice, once with only one
// gradient needed and once with none. The rule must return and build nothing for the others.
func checkUnwanted(t *testing.T, c optest.Case) {
	t.Helper()
	if len(c.Inputs) < 2 {
		return
	}
	for only := -1; only < len(c.Inputs); only++ {
		g := c.Graph()
		n := g.Nodes[g.Forward-1]
		p := ir.Pullback{Node: n, Need: make([]bool, len(n.In)), Dy: n.Out}
		if only >= 0 {
			p.Need[only] = true
		}
		for i, dx := range n.Op.(ir.Differentiable).VJP(p) {
			if dx != nil && i != only {
				t.Errorf("only input %d is needed, the rule returns a gradient for input %d", only, i)
			}
		}
		if only < 0 && len(g.Nodes) != g.Forward {
			t.Errorf("the rule adds %d nodes when nothing is needed", len(g.Nodes)-g.Forward)
		}
	}
}

// run evaluates g with those values that g takes.
func run(t *testing.T, g *ir.Graph, values map[string]*eval.Tensor) map[string]*eval.Tensor {
	t.Helper()
	in := map[string]*eval.Tensor{}
	for _, v := range g.Inputs {
		in[v.Name] = values[v.Name]
	}
	out, err := eval.Run(g, in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// types reads types from their text form: "float[2,3] int64[5] float".
func types(t *testing.T, text string) []ir.Type {
	t.Helper()
	names := map[string]ir.DType{}
	for _, d := range []ir.DType{ir.Float, ir.Uint8, ir.Int32, ir.Int64, ir.Bool, ir.Double, ir.Float16,
		ir.BFloat16} {
		names[d.String()] = d
	}
	var list []ir.Type
	for _, f := range strings.Fields(text) {
		name, dims, _ := strings.Cut(strings.TrimSuffix(f, "]"), "[")
		typ := ir.Type{DType: names[name]}
		for _, d := range strings.FieldsFunc(dims, func(c rune) bool { return c == ',' }) {
			n := 0
			if _, err := fmt.Sscan(d, &n); err != nil {
				t.Fatalf("type %q: %v", f, err)
			}
			typ.Shape = append(typ.Shape, n)
		}
		if name != "_" && typ.DType == 0 {
			t.Fatalf("type %q is not known", f)
		}
		list = append(list, typ)
	}
	return list
}

// wantShape checks the types of the outputs of an operator; "_" is an input left out.
func wantShape(t *testing.T, o ir.Op, in, want string) {
	t.Helper()
	out, err := o.Infer(types(t, in))
	if err != nil {
		t.Errorf("%+v of %s: %v", o, in, err)
		return
	}
	var got []string
	for _, typ := range out {
		got = append(got, typ.String())
	}
	if s := strings.Join(got, " "); s != want {
		t.Errorf("%+v of %s gives %s, want %s", o, in, s, want)
	}
}

// wantError checks that an operator refuses its inputs with this message.
func wantError(t *testing.T, o ir.Op, in, message string) {
	t.Helper()
	_, err := o.Infer(types(t, in))
	if err == nil {
		t.Errorf("%+v takes %s, want %q", o, in, message)
	} else if err.Error() != message {
		t.Errorf("%+v of %s:\n got %q\nwant %q", o, in, err, message)
	}
}

// wantBuildError checks that building on inputs of these types fails with this message.
func wantBuildError(t *testing.T, in string, build func(x []*ir.Value), message string) {
	t.Helper()
	g := ir.New("test")
	var x []*ir.Value
	for i, typ := range types(t, in) {
		x = append(x, g.Input(fmt.Sprintf("x%d", i), typ))
	}
	err := ir.Build(func() { build(x) })
	if err == nil {
		t.Errorf("building on %s succeeds, want %q", in, message)
	} else if err.Error() != message {
		t.Errorf("building on %s:\n got %q\nwant %q", in, err, message)
	}
}
