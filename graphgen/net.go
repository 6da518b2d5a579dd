package graphgen

import (
	"math"
	"slices"
	"strings"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/port"
)

// Mode says which statistics the batch norms of a net use.
type Mode int

// Modes of construction.
const (
	Train  Mode = iota // statistics of the batch; running statistics are updated
	Batch              // statistics of the batch; running statistics are left alone
	Eval               // running statistics
	Linear             // none: batch norms only scale and shift
)

// Batch norm constants of the paper's code (PyTorch momentum 0.1 is ONNX momentum 0.9).
const (
	bnEpsilon  = 1e-5
	bnMomentum = 0.9
	statSuffix = "/bn" // name of a batch norm's statistics inside its scope
)

// Net is a network under construction: the graph and the tensors that its layers declare. All
// weights are pieces of one flat state vector, and all running statistics are pieces of two more. A
// step therefore has a handful of state tensors, one clip and one update, however many layers it
// has.
type Net struct {
	G       *ir.Graph
	Mode    Mode
	Kernels bool // batch norms in training are ours
	CUDA    bool // vectors are cut and joined as the CUDA provider likes it; see pieces
	Weights Layout
	Stats   Layout

	mixes  []*ir.Value
	mixing []Mix                // the mix of each of mixes
	gates  map[string]*ir.Value // by place; see Gate
	frozen Tensors              // constants instead of state; see Freeze
	noise  noise

	place                               map[string]int // in the layout; nil while learning
	weightPieces, meanPieces, varPieces []*ir.Value
	weights, momentum, means, variances *ir.Value
	// Running statistics after the step. With Kernels they are those of the batch. With CUDA
	// alone they are those of the batch too, with newVars as 1/sqrt(variance + epsilon).
	newMeans, newVars []*ir.Value
	unbias            []float32 // 1/(n-1) for each batch norm, n elements per channel
}

// Forward builds a network on images and returns its scores.
type Forward func(n *Net, images *ir.Value) Scores

// Scores are the results of a network: logits[B,classes], and those of the auxiliary head if the
// net has one in this mode.
type Scores struct{ Logits, Auxiliary *ir.Value }

// stateLayout places the tensors of a network in its state vectors.
type stateLayout struct {
	weights, stats Layout
	noise          int // elements of the input noise, 0 without one
}

// Learn builds the training network once to find the layouts of its state, and returns a spec that
// knows them. It saves work for callers that make several programs, each of which would otherwise
// find the layouts itself. Forward must stay the same. All programs of a network have the state of
// the training program, so that they can share it. A program leaves alone what it does not use (an
// auxiliary head in evaluation).
func (s Spec) Learn() (Spec, error) {
	if s.state != nil {
		return s, nil
	}
	n := &Net{G: ir.New("layout"), Mode: Train}
	err := ir.Build(func() { s.Forward(n, n.G.Input(port.Images, ir.T(ir.Float, s.Batch, 3, s.Image, s.Image))) })
	n.Weights.arrange()
	n.Stats.arrange()
	s.state = &stateLayout{n.Weights, n.Stats, n.noise.need}
	return s, err
}

// newNet starts the real construction with the layouts of a spec that has learnt them.
func newNet(g *ir.Graph, mode Mode, s Spec) *Net {
	n := bareNet(g, mode, *s.state)
	n.noise.need = s.state.noise
	n.Kernels, n.CUDA = s.Target.OwnKernels() && mode != Eval, s.Target.OnGPU()
	n.weights = g.Input(port.Weights, ir.T(ir.Float, n.Weights.Len()))
	n.weightPieces = n.pieces(n.weights, n.Weights)
	if len(n.Stats) == 0 {
		return n
	}
	// The inputs are declared in Batch mode too, because BatchNormTraining needs buffers of its
	// own to write into.
	n.means = g.Input(port.RunningMean, ir.T(ir.Float, n.Stats.Len()))
	n.variances = g.Input(port.RunningVariance, ir.T(ir.Float, n.Stats.Len()))
	n.meanPieces = n.pieces(n.means, n.Stats)
	n.varPieces = n.pieces(n.variances, n.Stats)
	return n
}

// bareNet makes a net that knows the layouts and has no tensors yet.
func bareNet(g *ir.Graph, mode Mode, l stateLayout) *Net {
	n := &Net{G: g, Mode: mode, Weights: l.weights, Stats: l.stats, place: map[string]int{}}
	for i, e := range l.weights {
		n.place[e.Name] = i
	}
	for i, e := range l.stats {
		n.place[e.Name] = i
	}
	return n
}

// Weight declares a trainable tensor at the present scope. If fanIn is above zero, it starts with
// PyTorch's default initialisation, uniform in +-1/sqrt(fanIn); otherwise it starts at value.
func (n *Net) Weight(name string, fanIn int, value float64, shape ...int) *ir.Value {
	name = n.G.Scope() + "/" + name
	if n.frozen != nil {
		return n.constant(name, shape...)
	}
	if n.place != nil {
		return op.Reshape{}.To(n.weightPieces[n.placeOf(name)], shape...)
	}
	init := Init{Value: value}
	if fanIn > 0 {
		init = Init{Bound: 1 / math.Sqrt(float64(fanIn))}
	}
	n.Weights.add(name, shape, init)
	return n.G.Input(name, ir.T(ir.Float, shape...))
}

// placeOf finds a tensor of the training network by name.
func (n *Net) placeOf(name string) int {
	i, ok := n.place[name]
	if !ok {
		n.G.Fail("layout: the training network has no tensor %s", name)
	}
	return i
}

// BatchNorm normalises x over N, H and W with the statistics of the net's mode, then scales by
// scale[C] and shifts by bias[C].
func (n *Net) BatchNorm(x, scale, bias *ir.Value) *ir.Value {
	if n.frozen != nil {
		return n.frozenBatchNorm(x, scale, bias)
	}
	c := x.Shape[1]
	name := n.G.Scope() + statSuffix
	if n.place == nil {
		n.Stats.add(name, []int{c}, Init{})
		zero, one := n.fill(0, c), n.fill(1, c)
		return op.BatchNormTraining{Epsilon: bnEpsilon, Momentum: bnMomentum}.
			Of(x, scale, bias, zero, one)[0]
	}
	i := n.placeOf(name)
	if n.Mode == Linear {
		return n.scaled(x, scale, bias)
	}
	if n.Mode == Eval {
		return op.BatchNorm{Epsilon: bnEpsilon}.Of(x, scale, bias, n.meanPieces[i], n.varPieces[i])
	}
	var y []*ir.Value
	if n.Kernels {
		y = op.Normalize{Epsilon: bnEpsilon}.Of(x, number(scale), unless(bias, 0), nil)
	} else {
		y = op.BatchNormTraining{Epsilon: bnEpsilon, Momentum: bnMomentum}.
			Of(x, scale, bias, n.meanPieces[i], n.varPieces[i])
	}
	mean, variance := y[1], y[2]
	if n.CUDA && !n.Kernels { // the provider's running statistics are not used; see variances
		mean, variance = y[3], y[4]
	}
	n.newMeans, n.newVars = append(n.newMeans, mean), append(n.newVars, variance)
	count := x.Elements() / c
	n.unbias = append(n.unbias, 1/float32(max(count-1, 1)))
	return y[0]
}

// number is the scale of a Normalize: the number that scale repeats, if it repeats one, and nil for
// ones.
func number(scale *ir.Value) *ir.Value {
	if scale.Def != nil {
		if _, ok := scale.Def.Op.(op.Expand); ok && scale.Def.In[0].Elements() == 1 {
			return scale.Def.In[0]
		}
	}
	return unless(scale, 1)
}

// unless returns v, or nil if v is a constant that holds only x.
func unless(v *ir.Value, x float32) *ir.Value {
	if v.Const == nil || slices.ContainsFunc(v.Const.Float, func(y float32) bool { return y != x }) {
		return v
	}
	return nil
}

// Ones returns a constant vector of c ones, the scale of a batch norm without affine parameters.
func (n *Net) Ones(c int) *ir.Value { return n.fill(1, c) }

// Zeros returns a constant vector of c zeros.
func (n *Net) Zeros(c int) *ir.Value { return n.fill(0, c) }

func (n *Net) fill(x float32, c int) *ir.Value {
	v := make([]float32, c)
	for i := range v {
		v[i] = x
	}
	return n.G.Floats(v, c)
}

// MixWeights declares an input vector of k mixing weights. The alpha step returns its gradient.
func (n *Net) MixWeights(m Mix, k int) *ir.Value {
	v := n.G.Input(m.Input(), ir.T(ir.Float, k))
	n.mixes, n.mixing = append(n.mixes, v), append(n.mixing, m)
	return v
}

// Gate says that the nodes at the present scope belong to an operation that is mixed with the weight w[1]: with
// a weight of 0 the network does not have it.
func (n *Net) Gate(w *ir.Value) {
	if n.gates == nil {
		n.gates = map[string]*ir.Value{}
	}
	n.gates[n.G.Scope()] = w
}

// gate is the mixing weight of the operation that a place belongs to, nil if it belongs to none.
func (n *Net) gate(place string) *ir.Value {
	for at, w := range n.gates {
		if strings.HasPrefix(place, at+"/") || place == at {
			return w
		}
	}
	return nil
}

// DropPaths declares the input [k,B] of k per-sample drop-path factors and returns its rows, each
// [B,1,1,1].
func (n *Net) DropPaths(k, batch int) []*ir.Value {
	factors := n.G.Input(port.DropPath, ir.T(ir.Float, k, batch))
	lengths := make([]int, k)
	for i := range lengths {
		lengths[i] = 1
	}
	rows := op.Split{}.Of(factors, 0, lengths...)
	for i, r := range rows {
		rows[i] = op.Reshape{}.To(r, batch, 1, 1, 1)
	}
	return rows
}
