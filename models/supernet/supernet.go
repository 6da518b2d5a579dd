// Package supernet builds the search network of a space, with partial channels (PC-DARTS) or without,
// over the operations that a mask leaves. A masked operation is not in the graph.
package supernet

import (
	"fmt"
	"slices"

	"zos-ort/graphgen"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
	"zos-ort/models/nn"
	"zos-ort/models/space"
)

// Config is the search network of the space of its mask, as DARTS has it, or as PC-DARTS with partial channels.
type Config struct {
	Channels int // C of the first cells; the stem of DARTS has 3 C
	Cells    int
	Classes  int
	Mask     space.Mask
	Partial  int // 1: all channels are mixed (DARTS); k: the first 1/k of them (PC-DARTS uses 4)
	// Passes are the rewrites that the construction applies: Pools, Mix, Shuffle; others are those
	// of the finished graph.
	Passes pass.Set
}

// OperationMix is the vector of weights of the operations of a cell type, in the order of
// Operations.
func OperationMix(t space.CellType) graphgen.Mix {
	return graphgen.Mix{Of: graphgen.MixedOperations, Cell: t.String()}
}

// EdgeMix is the vector of the edge weights of a cell type, which a supernet with partial
// channels has.
func EdgeMix(t space.CellType) graphgen.Mix {
	return graphgen.Mix{Of: graphgen.MixedEdges, Cell: t.String()}
}

// MixPort is the name of the input with the weights of OperationMix.
func MixPort(t space.CellType) string { return OperationMix(t).Input() }

// EdgePort is the name of the input with the weights of EdgeMix.
func EdgePort(t space.CellType) string { return EdgeMix(t).Input() }

// Operations lists the operations of a mask that have nodes in the graph (all but none), in the
// order of OperationMix.
func Operations(m space.Mask, t space.CellType) []space.Candidate {
	ops := m.Candidates(t)
	return slices.DeleteFunc(ops, func(c space.Candidate) bool { return c.Op == space.None })
}

// Validate checks the configuration.
func (c Config) Validate() error {
	switch {
	case c.Channels < 1 || c.Cells < 1 || c.Classes < 2:
		return fmt.Errorf("supernet: needs at least 1 channel, 1 cell and 2 classes, got %d, %d, %d",
			c.Channels, c.Cells, c.Classes)
	case c.Partial < 1 || c.Channels%c.Partial != 0:
		return fmt.Errorf("supernet: %d channels do not divide into %d parts", c.Channels, c.Partial)
	case c.Partial == 1 && c.Channels%2 != 0:
		return fmt.Errorf("supernet: channels must be even, got %d", c.Channels)
	}
	if err := c.Mask.Space().CheckChannels(c.Channels / c.Partial); err != nil {
		return fmt.Errorf("supernet: %w", err)
	}
	return nil
}

// Spec describes the programs of the network for batches of square images, with the optimiser of
// the paper.
func (c Config) Spec(batch, image int, l pass.Lowering) graphgen.Spec {
	c.Passes = l.Passes
	return graphgen.Spec{Forward: c.Forward(), Batch: batch, Image: image, Classes: c.Classes,
		SGD: graphgen.PaperSGD, Lowering: l}
}

// Forward returns the network as a graph-building function.
func (c Config) Forward() graphgen.Forward {
	return func(n *graphgen.Net, images *ir.Value) graphgen.Scores {
		if err := c.Validate(); err != nil {
			n.G.Fail("%w", err)
		}
		mixes := c.declareMixes(n)
		s := c.Mask.Space()
		build := func(x nn.Cell) *ir.Value {
			cl := cell{Config: c, n: n, space: s, kind: x.Type, channels: x.Channels, mix: mixes[x.Type]}
			return cl.build(x)
		}
		last, _ := nn.Cells(n, images, s, c.Channels, c.Cells, build)
		return graphgen.Scores{Logits: nn.Head(n, last, s.Skeleton(), c.Classes)}
	}
}

// mix holds the mixing weights of one cell type as single numbers [1].
type mix struct {
	op   map[space.Candidate]*ir.Value // with passes: times the edge weight
	edge []*ir.Value                   // nil without partial channels
}

func (c Config) declareMixes(n *graphgen.Net) (m [2]mix) {
	s := c.Mask.Space()
	for _, t := range s.CellTypes() {
		if t == space.Reduce && len(s.Reductions(c.Cells)) == 0 {
			continue
		}
		ops := Operations(c.Mask, t)
		m[t].op = map[space.Candidate]*ir.Value{}
		weights := n.MixWeights(OperationMix(t), len(ops))
		if c.Partial > 1 {
			edges := n.MixWeights(EdgeMix(t), s.Edges())
			m[t].edge = op.Split{}.Of(edges, 0, ones(s.Edges())...)
			if c.Passes.Has(pass.Shuffle) {
				weights = timesEdge(n, weights, edges, ops)
			}
		}
		for i, w := range (op.Split{}).Of(weights, 0, ones(len(ops))...) {
			m[t].op[ops[i]] = w
		}
	}
	return m
}

// timesEdge multiplies every operation's weight by the weight of its edge: w S(edge) with the 0/1
// matrix S[edges,operations], which is differentiable without a gather.
func timesEdge(n *graphgen.Net, weights, edges *ir.Value, ops []space.Candidate) *ir.Value {
	m := edges.Elements()
	s := make([]float32, m*len(ops))
	for i, o := range ops {
		s[o.Edge*len(ops)+i] = 1
	}
	row := op.Reshape{}.To(edges, 1, m)
	perOp := op.Gemm{}.Of(row, n.G.Floats(s, m, len(ops)))
	return op.Mul{}.Of(weights, op.Reshape{}.To(perOp, len(ops)))
}

func ones(n int) []int {
	v := make([]int, n)
	for i := range v {
		v[i] = 1
	}
	return v
}
