package supernet

import (
	"zos-ort/graphgen"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
	"zos-ort/graphgen/scope"
	"zos-ort/models/nn"
	"zos-ort/models/space"
)

// cell is one cell under construction.
type cell struct {
	Config
	n        *graphgen.Net
	space    *space.Space
	scope    string // place of the cell
	kind     space.CellType
	channels int
	mix      mix
	states   []*ir.Value
	pools    map[poolKey]*ir.Value
	parts    map[int][2]*ir.Value // mixed and bypassed channels of a state
	rests    map[poolKey]*ir.Value
}

// poolKey names an operation of a state; the bypass of partial channels uses none.
type poolKey struct {
	state, stride int
	primitive     space.Primitive
}

func (c *cell) build(x nn.Cell) *ir.Value {
	c.pools, c.parts = map[poolKey]*ir.Value{}, map[int][2]*ir.Value{}
	c.rests = map[poolKey]*ir.Value{}
	c.scope = c.n.G.Scope()
	c.states = nn.Preprocess(c.n, c.space, x, false)
	for node := range c.space.Nodes() {
		var s *ir.Value
		if c.Partial > 1 && c.Passes.Has(pass.Shuffle) {
			s = c.mergedNode(node)
		} else {
			s = c.plainNode(node)
		}
		c.states = append(c.states, s)
	}
	return nn.Output(c.space, c.states)
}

// plainNode sums one mixed operation per edge, as the papers write it.
func (c *cell) plainNode(node int) *ir.Value {
	var sum *ir.Value
	lo, hi := c.space.NodeEdges(node)
	for e := lo; e < hi; e++ {
		c.n.G.In(scope.Edge(e), func() { sum = add(sum, c.plainEdge(e)) })
	}
	return c.orZeros(sum, c.channels)
}

func (c *cell) plainEdge(e int) *ir.Value {
	if c.Partial == 1 {
		return c.mixed(e, nil)
	}
	src := c.space.EdgeAt(e).Source
	rest := c.bypass(src, c.space.Stride(c.kind, src))
	y := c.orZeros(c.mixed(e, nil), c.channels/c.Partial)
	y = shuffle(op.Concat{Axis: 1}.Of(y, rest), c.Partial)
	return op.Mul{}.Of(y, c.mix.edge[e])
}

// mergedNode is the same sum with the concatenation and the channel shuffle, which are linear, done
// once: shuffle(concat(sum of mixed parts, sum of bypassed parts)). The edge weight is already in
// the operations' weights.
func (c *cell) mergedNode(node int) *ir.Value {
	var mixed, bypass *ir.Value
	lo, hi := c.space.NodeEdges(node)
	for e := lo; e < hi; e++ {
		src := c.space.EdgeAt(e).Source
		c.n.G.In(scope.Edge(e), func() {
			mixed = c.mixed(e, mixed)
			rest := c.bypass(src, c.space.Stride(c.kind, src))
			bypass = add(bypass, op.Mul{}.Of(rest, c.mix.edge[e]))
		})
	}
	mixed = c.orZeros(mixed, c.channels/c.Partial)
	return shuffle(op.Concat{Axis: 1}.Of(mixed, bypass), c.Partial)
}

// mixed adds the weighted operations of edge e to sum; nil stays nil when only none is left.
func (c *cell) mixed(e int, sum *ir.Value) *ir.Value {
	src := c.space.EdgeAt(e).Source
	for _, p := range c.Mask.Primitives(c.kind, e) {
		if p != space.None {
			c.n.G.In(p.String(), func() { sum = add(sum, c.weighted(e, src, p)) })
		}
	}
	return sum
}

// weighted is one operation times its mixing weight.
func (c *cell) weighted(e, src int, p space.Primitive) *ir.Value {
	x, w, stride := c.input(src), c.mix.op[space.Candidate{Cell: c.kind, Edge: e, Op: p}], c.space.Stride(c.kind, src)
	c.n.Gate(w)
	norms := nn.Norms{Inner: nn.Plain, Last: nn.Plain, Search: true}
	switch {
	case !p.Weighs(stride):
		return op.Mul{}.Of(c.unweighted(src, p, stride), w)
	case c.Passes.Has(pass.Mix) && nn.EndsWithNorm(p, stride):
		norms.Last = func(n *graphgen.Net, x *ir.Value) *ir.Value { return nn.ScaledBatchNorm(n, x, w) }
		return nn.Apply(c.n, x, p, stride, norms)
	default:
		return op.Mul{}.Of(nn.Apply(c.n, x, p, stride, norms), w)
	}
}

// unweighted is an operation without weights, such as a pool with its batch norm. All edges from a state can share it.
func (c *cell) unweighted(src int, p space.Primitive, stride int) *ir.Value {
	norms := nn.Norms{Inner: nn.Plain, Last: nn.Plain, Search: true}
	x := c.input(src)
	if p.IsSkip() {
		return x
	}
	if !c.Passes.Has(pass.Pools) || p.IsNoise() {
		return nn.Apply(c.n, x, p, stride, norms)
	}
	key := poolKey{src, stride, p}
	if c.pools[key] == nil {
		c.n.G.At(c.scope+"/"+scope.State(src, p), func() { c.pools[key] = nn.Apply(c.n, c.input(src), p, stride, norms) })
	}
	return c.pools[key]
}

// input is what the operations of an edge from state src see: all channels or the first part.
func (c *cell) input(src int) *ir.Value {
	if c.Partial == 1 {
		return c.states[src]
	}
	return c.split(src)[0]
}

func (c *cell) split(src int) [2]*ir.Value {
	if p, ok := c.parts[src]; ok {
		return p
	}
	q := c.channels / c.Partial
	p := op.Split{}.Of(c.states[src], 1, q, c.channels-q)
	c.parts[src] = [2]*ir.Value(p)
	return c.parts[src]
}

// bypass is the part of a state that goes around the mixed operation.
func (c *cell) bypass(src, stride int) *ir.Value {
	rest := c.split(src)[1]
	if stride == 1 {
		return rest
	}
	key := poolKey{src, stride, space.None}
	if c.rests[key] == nil || !c.Passes.Has(pass.Pools) {
		c.rests[key] = op.MaxPool{Kernel: 2, Stride: 2}.Of(rest)
	}
	return c.rests[key]
}

// orZeros replaces a sum without terms: every edge of the node has only none left.
func (c *cell) orZeros(sum *ir.Value, channels int) *ir.Value {
	if sum != nil {
		return sum
	}
	return nn.Zeros(c.n, c.states[0], channels, c.space.Stride(c.kind, 0))
}

func add(sum, x *ir.Value) *ir.Value {
	switch {
	case sum == nil:
		return x
	case x == nil:
		return sum
	}
	return op.Add{}.Of(sum, x)
}

// shuffle interleaves the channels of k groups: [B,k,C/k,H,W] -> [B,C/k,k,H,W].
func shuffle(x *ir.Value, k int) *ir.Value {
	s := x.Shape
	y := op.Reshape{}.To(x, s[0], k, s[1]/k, s[2], s[3])
	return op.Reshape{}.To(op.Transpose{Perm: "02134"}.Of(y), s...)
}
