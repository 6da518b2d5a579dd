package op

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// Softmax is exp(x)/sum exp(x) over the last axis.
// https://onnx.ai/onnx/operators/onnx__Softmax.html
type Softmax struct{}

// SoftmaxGrad is Y (dY - sum(dY Y)) over the last axis. Inputs dY, Y.
// ONNX Runtime: com.microsoft.SoftmaxGrad_13.
type SoftmaxGrad struct{}

// CrossEntropy is the mean over the batch of -log softmax(scores)[label]. Inputs: scores[B,K] and
// int64 labels[B]; outputs: the scalar loss and the log-probabilities[B,K].
// https://onnx.ai/onnx/operators/onnx__SoftmaxCrossEntropyLoss.html
type CrossEntropy struct{}

// CrossEntropyGrad is (exp(logprob) - onehot(label)) dL/B. Inputs dL, log-probabilities, labels.
// ONNX Runtime: com.microsoft.SoftmaxCrossEntropyLossGrad.
type CrossEntropyGrad struct{}

func (Softmax) OpType() (string, string)      { return ir.Onnx, "Softmax" }
func (SoftmaxGrad) OpType() (string, string)  { return ir.Microsoft, "SoftmaxGrad_13" }
func (CrossEntropy) OpType() (string, string) { return ir.Onnx, "SoftmaxCrossEntropyLoss" }
func (CrossEntropyGrad) OpType() (string, string) {
	return ir.Microsoft, "SoftmaxCrossEntropyLossInternalGrad"
}

func (Softmax) Attrs() []ir.Attr      { return []ir.Attr{{Name: "axis", Value: -1}} }
func (SoftmaxGrad) Attrs() []ir.Attr  { return []ir.Attr{{Name: "axis", Value: -1}} }
func (CrossEntropy) Attrs() []ir.Attr { return []ir.Attr{{Name: "reduction", Value: "mean"}} }

// Attrs is the reduction.
func (CrossEntropyGrad) Attrs() []ir.Attr { return []ir.Attr{{Name: "reduction", Value: "mean"}} }

// Infer keeps the type.
func (Softmax) Infer(in []ir.Type) ([]ir.Type, error) {
	out, err := same("softmax", in)
	if err == nil && in[0].Rank() == 0 {
		err = fmt.Errorf("softmax: needs at least one axis, got %v", in[0])
	}
	return out, err
}

// Infer gives dX the type of Y.
func (SoftmaxGrad) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("softmax gradient", in, 2, 2); err != nil {
		return nil, err
	}
	if !in[0].Equal(in[1]) {
		return nil, fmt.Errorf("softmax gradient: dY is %v, Y is %v", in[0], in[1])
	}
	return []ir.Type{in[1]}, nil
}

func scoresAndLabels(name string, scores, labels ir.Type) error {
	if scores.Rank() != 2 || !labels.Equal(ir.T(ir.Int64, scores.Shape[0])) {
		return fmt.Errorf("%s: needs scores [B,K] and int64 labels [B], got %v and %v",
			name, scores, labels)
	}
	return float(name, scores)
}

// Infer gives the scalar loss and the log-probabilities.
func (CrossEntropy) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("cross entropy", in, 2, 2); err != nil {
		return nil, err
	}
	return []ir.Type{ir.T(in[0].DType), in[0]}, scoresAndLabels("cross entropy", in[0], in[1])
}

// Infer gives the cotangent of the scores.
func (CrossEntropyGrad) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("cross entropy gradient", in, 3, 3); err != nil {
		return nil, err
	}
	if in[0].Elements() != 1 {
		return nil, fmt.Errorf("cross entropy gradient: dL must be a scalar, got %v", in[0])
	}
	return []ir.Type{in[1]}, scoresAndLabels("cross entropy gradient", in[1], in[2])
}

// Of adds the softmax over the last axis.
func (o Softmax) Of(x *ir.Value) *ir.Value { return x.Graph().Add1(o, x) }

// Of adds the loss.
func (o CrossEntropy) Of(scores, labels *ir.Value) *ir.Value {
	return scores.Graph().Add1(o, scores, labels)
}

// VJP: dx = y (dy - <dy, y>).
func (Softmax) VJP(p ir.Pullback) []*ir.Value {
	return []*ir.Value{p.Dy[0].Graph().Add1(SoftmaxGrad{}, p.Dy[0], p.Out(0))}
}

// VJP: the gradient of the loss; the log-probabilities are not differentiated.
func (CrossEntropy) VJP(p ir.Pullback) []*ir.Value {
	if len(p.Dy) > 1 && p.Dy[1] != nil {
		p.Dy[1].Graph().Fail("cross entropy: no gradient through the log-probabilities")
	}
	g := p.In(0).Graph()
	return []*ir.Value{g.Add1(CrossEntropyGrad{}, p.Dy[0], p.Out(1), p.In(1)), nil}
}
