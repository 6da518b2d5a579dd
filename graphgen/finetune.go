package graphgen

import (
	"fmt"

	"zos-ort/graphgen/autodiff"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/onnx"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
	"zos-ort/graphgen/port"
)

// FineTune is a network in the form of ONNX Runtime's on-device training (which the Python package
// onnxruntime.training.artifacts makes): models for TrainStep and EvalStep, with each weight as an
// input, and the parameters for the checkpoint.
type FineTune struct {
	Train, Eval *ir.Graph
	Params      []FineTuneParam // in input order of both graphs
}

// FineTuneParam is a tensor of the checkpoint. A tensor that is not trainable is a running
// statistic, which the training graph updates itself.
type FineTuneParam struct {
	Entry
	Trainable bool
}

// FineTune builds the graphs of on-device training for any batch size. The inputs are
// image[N,3,S,S], labels[N] and the parameters; the outputs are the mean cross entropy as a scalar
// and logits[N,classes]. The training graph adds the gradients to buffers and updates the running
// statistics as ONNX defines them, with the biased variance. The auxiliary head, if there is one,
// is left out.
func (s Spec) FineTune() (*FineTune, error) {
	s, err := s.Learn()
	if err != nil {
		return nil, fmt.Errorf("fine-tuning: %w", err)
	}
	f := &FineTune{Params: fineTuneParams(*s.state)}
	if f.Train, err = s.fineTuneGraph("training_model", Train); err != nil {
		return nil, err
	}
	f.Eval, err = s.fineTuneGraph("eval_model", Eval)
	return f, err
}

// fineTuneParams are all weights, then mean and variance of every batch norm.
func fineTuneParams(l stateLayout) (list []FineTuneParam) {
	for _, e := range l.weights {
		list = append(list, FineTuneParam{e, true})
	}
	for _, suffix := range []string{meanSuffix, varianceSuffix} {
		for _, e := range l.stats {
			e.Name += suffix
			list = append(list, FineTuneParam{e, false})
		}
	}
	return list
}

func (s Spec) fineTuneGraph(name string, mode Mode) (*ir.Graph, error) {
	g := ir.New(name)
	g.Share = s.Passes.Has(pass.Share)
	err := ir.Build(func() {
		image := g.Input(port.Image, ir.T(ir.Float, s.Batch, 3, s.Image, s.Image))
		labels := g.Input(port.Labels, ir.T(ir.Int64, s.Batch))
		n := bareNet(g, mode, *s.state)
		means, variances := n.inputs()
		logits := s.Forward(n, image).Logits
		loss := op.CrossEntropy{}.Of(logits, labels)
		g.Output(port.Loss, loss)
		g.Output(port.Logits, logits)
		if mode == Train {
			n.gradients(loss)
			for i := range means {
				overwrite(g, means[i], n.newMeans[i])
				overwrite(g, variances[i], n.newVars[i])
			}
		}
		g.Trim()
		freeBatch(g)
		g.Trim()
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return g, nil
}

// inputs declares every tensor as an input of its own and returns the running statistics. A batch
// norm in training writes over the memory of the old statistics, so it gets copies of them.
func (n *Net) inputs() (means, variances []*ir.Value) {
	declare := func(l Layout, suffix string) (list []*ir.Value) {
		for _, e := range l {
			list = append(list, n.G.Input(e.Name+suffix, ir.T(ir.Float, e.Shape...)))
		}
		return list
	}
	n.weightPieces = declare(n.Weights, "")
	means, variances = declare(n.Stats, meanSuffix), declare(n.Stats, varianceSuffix)
	n.meanPieces, n.varPieces = means, variances
	if n.Mode == Train && len(means) > 0 {
		n.meanPieces = n.pieces(n.join(means, n.Stats), n.Stats)
		n.varPieces = n.pieces(n.join(variances, n.Stats), n.Stats)
	}
	return means, variances
}

// gradients adds the gradient of every weight to the buffer of that weight.
func (n *Net) gradients(loss *ir.Value) {
	g := n.G
	grads := autodiff.Grad(loss, n.weightPieces)
	buffers := make([]*ir.Value, len(grads))
	for i, w := range n.weightPieces {
		buffers[i] = g.Input(port.GradientBuffer(w.Name), w.Type)
	}
	reset := g.Input(port.Reset, ir.T(ir.Bool, 1))
	for i, d := range grads {
		if d == nil {
			d = op.Zeros(g, buffers[i].Type)
		}
		g.Output(port.GradientFlag(n.weightPieces[i].Name), op.Overwrite{}.Accumulate(buffers[i], d, reset))
	}
}

// overwrite puts a running statistic in place. Its flag is named like a gradient's flag: see
// port.GradientFlag.
func overwrite(g *ir.Graph, buffer, value *ir.Value) {
	g.Output(port.GradientFlag(buffer.Name), op.Overwrite{}.Of(buffer, value))
}

// Models writes the two graphs as files.
func (f *FineTune) Models(o onnx.Options) (train, eval []byte, err error) {
	o.Batch = "N"
	o.Batched = []string{port.Image, port.Labels, port.Logits}
	if train, err = onnxBytes(f.Train, o); err != nil {
		return nil, nil, err
	}
	eval, err = onnxBytes(f.Eval, o)
	return train, eval, err
}

func onnxBytes(g *ir.Graph, o onnx.Options) ([]byte, error) {
	m, err := onnx.Model(g, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g.Name, err)
	}
	return onnx.Bytes(m)
}
