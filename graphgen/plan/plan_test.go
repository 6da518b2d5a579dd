package plan

import (
	"slices"
	"testing"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

const kib = 1024

// vec is an input of n KiB.
func vec(g *ir.Graph, name string, n int) *ir.Value {
	return g.Input(name, ir.T(ir.Float, n*kib/4))
}

func graph(t *testing.T, build func(g *ir.Graph)) *ir.Graph {
	t.Helper()
	g := ir.New("test")
	if err := ir.Build(func() { build(g) }); err != nil {
		t.Fatal(err)
	}
	return g
}

func wantTimeline(t *testing.T, p Plan, kibs ...int) {
	t.Helper()
	for i := range kibs {
		kibs[i] *= kib
	}
	if !slices.Equal(p.Timeline, kibs) {
		t.Errorf("live bytes %v, want %v", p.Timeline, kibs)
	}
	if peak := slices.Max(kibs); p.Peak != peak || p.Timeline[p.At] != peak {
		t.Errorf("peak %d at %d, want %d", p.Peak, p.At, peak)
	}
}

// relu, relu, relu: the first allocates, because the input is the caller's; the second takes over
// that memory; the third is the output and has its own.
func TestInPlace(t *testing.T) {
	wantTimeline(t, Of(graph(t, func(g *ir.Graph) {
		x := op.Relu{}.Of(vec(g, "x", 4))
		g.Output("y", op.Relu{}.Of(op.Relu{}.Of(x)))
	})), 4, 4, 8)
}

// A value with another reader to come cannot be overwritten, and sums never write in place. The
// product gets the buffer of y, which is dead and of the right shape.
func TestInPlaceNeedsLastReader(t *testing.T) {
	wantTimeline(t, Of(graph(t, func(g *ir.Graph) {
		x := op.Relu{}.Of(vec(g, "x", 4)) // 4
		y := op.Relu{}.Of(x)              // 8: x is read again below
		s := op.Add{}.Of(x, y)            // 12
		s = op.Mul{}.Of(s, x)             // 12
		g.Output("y", op.Relu{}.Of(s))    // 8: x and the sum are gone, the output is new
	})), 4, 8, 12, 12, 8)
}

// A reshape is a view: it costs nothing, and its last reader may write over it.
func TestView(t *testing.T) {
	wantTimeline(t, Of(graph(t, func(g *ir.Graph) {
		x := op.Softmax{}.Of(vec(g, "x", 4))
		v := op.Reshape{}.To(x, 2, kib/2)
		y := op.Softmax{}.Of(v)
		g.Output("y", op.Softmax{}.Of(y))
	})), 4, 4, 4, 8)
}

// A dead buffer is kept if a later value of the same shape reuses it: a (4 KiB) is dead after the
// second node and waits for e.
func TestDeadBufferWaits(t *testing.T) {
	p := Of(graph(t, func(g *ir.Graph) {
		a := op.Softmax{}.Of(vec(g, "x", 4))
		b := op.ReduceSum{}.Of(a, 0)      // [1]
		c := op.Expand{}.To(b, 2*kib)     // 8 KiB
		d := op.ReduceSum{}.Of(c, 0)      // [1]; b is dead by then, so d takes its buffer
		e := op.Expand{}.To(d, kib)       // 4 KiB: the memory of a
		g.Output("y", op.Softmax{}.Of(e)) // 4 KiB
	}))
	const small = Alignment
	want := []int{4 * kib, 4*kib + small, 12*kib + small, 12*kib + small, 4*kib + small, 8 * kib}
	if !slices.Equal(p.Timeline, want) {
		t.Errorf("live bytes %v, want %v", p.Timeline, want)
	}
	if len(p.Alive) != 3 || p.Alive[0].Bytes != 8*kib || p.Alive[1].Bytes != 4*kib {
		t.Errorf("alive at the peak: %v", p.Alive)
	}
}

// State, inputs and constants are counted, but not as live bytes; roles come from the scope.
func TestRoles(t *testing.T) {
	p := Of(graph(t, func(g *ir.Graph) {
		w, x := vec(g, "weights", 4), vec(g, "images", 8)
		g.In("cell1", func() {
			g.In("edge3", func() { g.In("skip_connect", func() { x = op.Softmax{}.Of(x) }) })
		})
		g.In("sgd", func() { g.Output("y", op.Softmax{}.Of(op.Mul{}.Of(w, g.Scalar(2)))) })
		g.Output("z", x)
	}))
	if p.State != 4*kib || p.Inputs != 8*kib || p.Constants != Alignment || p.Peak != 12*kib {
		t.Errorf("state %d, inputs %d, constants %d, peak %d", p.State, p.Inputs, p.Constants, p.Peak)
	}
	want := Tensor{Name: "z", Bytes: 8 * kib, Role: Activation, Cell: "cell1", Operation: "skip_connect"}
	if p.Alive[0] != want || p.Alive[1].Role != Updating {
		t.Errorf("alive %+v, want first %+v, then an update", p.Alive, want)
	}
}

func TestRuntimeOrder(t *testing.T) {
	// 0 and 1 feed 2; 3 is a leaf that reads 1. The walk starts at the last leaf, 3.
	p := &Program{Values: make([]Value, 4), Nodes: []Node{
		{Out: []int{0}}, {Out: []int{1}}, {In: []int{0, 1}, Out: []int{2}}, {In: []int{1}, Out: []int{3}}}}
	if got, want := p.RuntimeOrder(), []int{1, 3, 0, 2}; !slices.Equal(got, want) {
		t.Errorf("runtime order %v, want %v", got, want)
	}
	if got, want := p.CreationOrder(), []int{0, 1, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("creation order %v, want %v", got, want)
	}
}

// Our units compute the convolutions of the whole batch in memory of their own.
func TestScratch(t *testing.T) {
	p := &Program{Values: []Value{{Shape: []int{2, 4, 5, 5}, Element: 4}, {Shape: []int{2, 8, 3, 3}, Element: 4},
		{Shape: []int{32}, Element: 4}, {Shape: []int{36}, Element: 4}, {Shape: []int{32}, Element: 4},
		{Shape: []int{36}, Element: 4}, {Shape: []int{16}, Element: 4}}}
	d, y := 2*4*16, 2*8*16 // planes of 9 numbers, in multiples of 16
	forward := Node{Op: "ReluConvNorm", In: []int{0}, Out: []int{1}}
	if got := p.scratch(forward); got != 4*y {
		t.Errorf("forward: %d bytes, want %d", got, 4*y)
	}
	forward.In = []int{0, 2, 3, Absent, Absent, Absent, Absent, 4, 4}
	if got := p.scratch(forward); got != 0 {
		t.Errorf("forward with known statistics: %d bytes", got)
	}
	backward := Node{Op: "ReluConvNormGrad", In: []int{1, 0, Absent, Absent, 2, 3}, Out: []int{0}}
	if got := p.scratch(backward); got != 4*y {
		t.Errorf("dX alone: %d bytes, want %d", got, 4*y)
	}
	backward.Out = []int{0, 4, 5}
	if got, want := p.scratch(backward), 4*(d+y+2*64+2*64); got != want {
		t.Errorf("all gradients: %d bytes, want %d", got, want)
	}
	backward.In = append(backward.In, Absent, Absent, Absent, 1)
	if got, want := p.scratch(backward), 4*(2*64+2*64); got != want {
		t.Errorf("all gradients, with Y: %d bytes, want %d", got, want)
	}
	halves := Node{Op: "ReluConvNormGrad", In: []int{1, 0, Absent, Absent, 6, 6}, Out: []int{0, 6, 6}}
	if got, want := p.scratch(halves), 4*(y+2*2*64); got != want {
		t.Errorf("a factorised reduction: %d bytes, want %d", got, want)
	}
	if got := p.scratch(Node{Op: "Conv"}); got != 0 {
		t.Errorf("Conv: %d bytes", got)
	}
}
