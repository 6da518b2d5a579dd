// Package graphgen builds the programs that zos-ort runs: one training step, one alpha step, an
// evaluation and a ranking pass, each an ONNX file with a typed signature.
package graphgen

import (
	"fmt"
	"slices"
	"strconv"

	"zos-ort/graphgen/autodiff"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/onnx"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
	"zos-ort/graphgen/port"
	"zos-ort/graphgen/scope"
)

// Program is an ONNX file and the data needed to run it.
type Program struct {
	Name      string
	Graph     *ir.Graph
	Model     []byte // for sessions; see File
	Signature Signature
	Weights   Layout // of the state vectors weights and momentum
	Stats     Layout // of the state vectors running_mean and running_variance
	batch     int
}

// Spec is what all programs of a network share.
type Spec struct {
	Forward Forward
	Batch   int
	Image   int // side of the square RGB images
	Classes int
	SGD     SGD
	// AuxiliaryWeight weighs the loss of the auxiliary head, if the net has one.
	AuxiliaryWeight float64
	// Freeze makes steps that can leave weights as they are: the weight step takes keep[W], 1 or 0, and it and
	// the alpha step give the gradient of the weights, grad/weights[W], before clipping.
	Freeze bool
	pass.Lowering

	state *stateLayout // of Forward, once learnt; see Learn
}

// SGD is momentum SGD with weight decay and clipping by the global norm, with PyTorch's
// conventions: g = min(1, Clip/(|g|+1e-6)) g; d = g + WeightDecay w; m = Momentum m + d; w -= rate
// m.
type SGD struct{ Momentum, WeightDecay, Clip float64 }

// PaperSGD holds the settings of the DARTS code, which the paper keeps: search and retraining use
// the same.
var PaperSGD = SGD{Momentum: .9, WeightDecay: 3e-4, Clip: 5}

// builder is the construction of one program.
type builder struct {
	spec           Spec
	g              *ir.Graph
	net            *Net
	images, labels *ir.Value
	scores         Scores
	loss           *ir.Value
	updates        []Update
}

// Update is a state vector and the value that replaces it.
type Update struct {
	Name          string
	Buffer, Value *ir.Value
}

func (s Spec) build(name string, mode Mode, labels bool, finish func(*builder)) (*Program, error) {
	image := ir.T(ir.Float, s.Batch, 3, s.Image, s.Image)
	s, err := s.Learn()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if mode == Eval && s.Target.OnGPU() { // our batch norms there are those of the batch
		s.Target = s.Target.Stock()
	}
	b := &builder{spec: s, g: ir.New(name)}
	b.g.Share = s.Passes.Has(pass.Share)
	err = ir.Build(func() {
		b.net = newNet(b.g, mode, s)
		b.images = b.input(Image, image)
		if labels {
			b.labels = b.input(Label, ir.T(ir.Int64, s.Batch))
		}
		b.scores = s.Forward(b.net, b.images)
		pass.Forward(b.g, s.Lowering, b.replaced)
		finish(b)
		b.overwrite()
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b.program()
}

// replaced updates the builder's references to forward values that a pass replaced.
func (b *builder) replaced(by map[*ir.Value]*ir.Value) {
	for _, v := range []**ir.Value{&b.scores.Logits, &b.scores.Auxiliary} {
		if r, ok := by[*v]; ok {
			*v = r
		}
	}
	for _, list := range [][]*ir.Value{b.net.newMeans, b.net.newVars} {
		for i, v := range list {
			if r, ok := by[v]; ok {
				list[i] = r
			}
		}
	}
}

func (b *builder) input(r Role, t ir.Type) *ir.Value { return b.g.Input(portNames[r], t) }

func (b *builder) output(r Role, v *ir.Value) { b.g.Output(portNames[r], v) }

// lossAndCorrect adds the training loss and the number of correct predictions.
func (b *builder) lossAndCorrect() {
	b.g.In(scope.Loss, func() {
		b.loss = op.CrossEntropy{}.Of(b.scores.Logits, b.labels)
		if b.scores.Auxiliary != nil {
			aux := op.CrossEntropy{}.Of(b.scores.Auxiliary, b.labels)
			weight := b.g.Scalar(float32(b.spec.AuxiliaryWeight))
			b.loss = op.Add{}.Of(b.loss, op.Mul{}.Of(aux, weight))
		}
		b.output(Loss, b.loss)
		b.output(Correct, op.CountCorrect(b.scores.Logits, b.labels))
	})
}

// WeightStep is one SGD step on the weights: forward, backward to the weights, clipping, momentum,
// weight decay, running statistics. The inputs are images, labels, rate and the mixing weights; the
// outputs are loss, correct and norm. The state is overwritten in place.
func (s Spec) WeightStep() (*Program, error) {
	return s.build("weight_step", Train, true, func(b *builder) {
		b.lossAndCorrect()
		b.sgd()
		b.statistics()
	})
}

// WeightGradient and WeightUpdate are WeightStep in two halves, between which the gradients of several
// networks with the same weights are averaged. The first computes loss, correct and the gradient of
// the weights, grad/weights, and updates the running statistics.
func (s Spec) WeightGradient() (*Program, error) {
	return s.build("weight_gradient", Train, true, func(b *builder) {
		b.lossAndCorrect()
		b.joinedGradient(autodiff.Grad(b.loss, b.net.weightPieces))
		b.statistics()
	})
}

// WeightUpdate is the second half: it takes grad/weights and rate, updates the weights and their
// momentum as WeightStep does, and returns norm.
func (s Spec) WeightUpdate() (*Program, error) {
	const name = "weight_update"
	s, err := s.Learn()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	b := &builder{spec: s, g: ir.New(name)}
	err = ir.Build(func() {
		b.net = bareNet(b.g, Train, *s.state)
		b.net.weights = b.g.Input(port.Weights, ir.T(ir.Float, b.net.Weights.Len()))
		o := b.optimiser()
		b.g.In(scope.SGD, func() { b.step(o, b.input(WeightGradient, b.net.weights.Type)) })
		b.overwrite()
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b.program()
}

// AlphaStep computes the gradients of the loss with respect to the mixing weights (first order) and
// updates the running statistics. The outputs are loss, correct and grad/NAME for every mixing
// vector NAME.
func (s Spec) AlphaStep() (*Program, error) {
	return s.build("alpha_step", Train, true, func(b *builder) {
		b.lossAndCorrect()
		of := b.net.mixes
		if s.Freeze {
			of = slices.Concat(of, b.net.weightPieces)
		}
		grads := autodiff.Grad(b.loss, of)
		if s.Freeze {
			b.joinedGradient(grads[len(b.net.mixes):])
		}
		for i, m := range b.net.mixes {
			d := grads[i]
			if d == nil {
				d = op.Zeros(b.g, m.Type)
			}
			b.g.Output(port.Gradient(m.Name), d)
		}
		b.statistics()
	})
}

// Evaluate computes logits with the running statistics.
func (s Spec) Evaluate() (*Program, error) {
	return s.build("eval", Eval, false, func(b *builder) {
		b.output(Logits, b.scores.Logits)
	})
}

// Rank computes logits with the statistics of the batch and leaves the running statistics alone.
func (s Spec) Rank() (*Program, error) {
	return s.build("rank", Batch, false, func(b *builder) {
		b.output(Logits, b.scores.Logits)
	})
}

// overwrite stores the new state, after every reader of the old state.
func (b *builder) overwrite() {
	for _, u := range b.updates {
		b.g.In(scope.Update(u.Name), func() {
			b.g.Output(port.Updated(u.Name), op.Overwrite{}.Of(u.Buffer, u.Value))
		})
	}
	b.input(Reset, ir.T(ir.Bool, 1))
}

// program runs the passes of the finished graph, writes it and describes its ports.
func (b *builder) program() (*Program, error) {
	if err := pass.Finished(b.g, b.spec.Lowering); err != nil {
		return nil, fmt.Errorf("%s: %w", b.g.Name, err)
	}
	p := &Program{Name: b.g.Name, Graph: b.g, Weights: b.net.Weights, Stats: b.net.Stats, batch: b.spec.Batch}
	var err error
	if p.Model, err = p.file(true); err != nil {
		return nil, err
	}
	if p.Signature, err = b.signature(); err != nil {
		return nil, err
	}
	return p, nil
}

// File is the program as a file for others to read: it has the shapes that Model leaves out. Sessions
// of it take longer to make and run alike.
func (p *Program) File() ([]byte, error) { return p.file(false) }

func (p *Program) file(short bool) ([]byte, error) {
	m, err := onnx.Model(p.Graph, onnx.Options{Short: short,
		Metadata: map[string]string{onnx.BatchKey: strconv.Itoa(p.batch)}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	return onnx.Bytes(m)
}
