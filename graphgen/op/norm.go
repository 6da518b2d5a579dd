package op

import (
	"fmt"
	"slices"

	"zos-ort/graphgen/ir"
)

// BatchNormTraining normalises X[N,C,H,W] with the statistics of the batch:
// Y = scale (X - mean) / sqrt(var + Epsilon) + B. Inputs: X, scale[C], B[C], running mean[C] and
// running variance[C]; outputs: Y, new running mean, new running variance, the batch mean and
// 1/sqrt(var+eps). A new running statistic is Momentum old + (1 - Momentum) batch: ONNX's momentum
// is one minus PyTorch's. The running variance takes in the biased variance; see graphgen for the
// correction. ONNX Runtime: com.microsoft.BatchNormInternal.
//
// ONNX Runtime computes the new running statistics in the memory of the old ones, even if that is
// an initialiser or a graph input, and even if nothing reads the result; see Clobbers.
type BatchNormTraining struct{ Epsilon, Momentum float32 }

// BatchNormGrad computes dX, dScale, dB from (dY, X, scale, batch mean, 1/sqrt(var+eps)).
// ONNX Runtime: com.microsoft.BatchNormalizationGrad.
type BatchNormGrad struct{ Epsilon float32 }

// BatchNorm normalises with given statistics. Inputs X, scale, B, mean, variance.
// https://onnx.ai/onnx/operators/onnx__BatchNormalization.html
type BatchNorm struct{ Epsilon float32 }

func (BatchNormTraining) OpType() (string, string) { return ir.Microsoft, "BatchNormInternal" }
func (BatchNormGrad) OpType() (string, string)     { return ir.Microsoft, "BatchNormalizationGrad" }
func (BatchNorm) OpType() (string, string)         { return ir.Onnx, "BatchNormalization" }

// Clobbers are the running mean and the running variance. ONNX Runtime's kernel (batch_norm.cc)
// declares its outputs 1 and 2 as aliases of inputs 3 and 4.
func (BatchNormTraining) Clobbers() []int { return []int{3, 4} }

// Attrs are epsilon, momentum and training_mode.
func (b BatchNormTraining) Attrs() []ir.Attr {
	return []ir.Attr{{Name: "epsilon", Value: b.Epsilon}, {Name: "momentum", Value: b.Momentum},
		{Name: "training_mode", Value: 1}}
}

// Attrs is epsilon.
func (b BatchNormGrad) Attrs() []ir.Attr { return []ir.Attr{{Name: "epsilon", Value: b.Epsilon}} }

// Attrs is epsilon.
func (b BatchNorm) Attrs() []ir.Attr { return []ir.Attr{{Name: "epsilon", Value: b.Epsilon}} }

// channelVectors checks that in[from:] are vectors of the channels of x.
func channelVectors(name string, x ir.Type, in []ir.Type, from int) error {
	if err := image(name, x); err != nil {
		return err
	}
	want := ir.T(x.DType, x.Shape[1])
	for i := from; i < len(in); i++ {
		if !in[i].Equal(want) {
			return fmt.Errorf("%s: input %d must be %v for %v, got %v", name, i, want, x, in[i])
		}
	}
	return nil
}

// Infer gives Y the type of X and the statistics one number per channel.
func (BatchNormTraining) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("batch norm", in, 5, 5); err != nil {
		return nil, err
	}
	if err := channelVectors("batch norm", in[0], in, 1); err != nil {
		return nil, err
	}
	c := in[1]
	return []ir.Type{in[0], c, c, c, c}, nil
}

// Infer gives dX the type of X, dScale and dB one number per channel.
func (BatchNormGrad) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("batch norm gradient", in, 5, 5); err != nil {
		return nil, err
	}
	if !in[0].Equal(in[1]) {
		return nil, fmt.Errorf("batch norm gradient: dY is %v, X is %v", in[0], in[1])
	}
	if err := channelVectors("batch norm gradient", in[1], in, 2); err != nil {
		return nil, err
	}
	return []ir.Type{in[1], in[2], in[2]}, nil
}

// Infer gives Y the type of X.
func (BatchNorm) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("batch norm", in, 5, 5); err != nil {
		return nil, err
	}
	return []ir.Type{in[0]}, channelVectors("batch norm", in[0], in, 1)
}

// Of adds the normalisation; the results are Y, running mean, running variance, batch mean,
// batch 1/sqrt(var+eps).
func (b BatchNormTraining) Of(x, scale, bias, mean, variance *ir.Value) []*ir.Value {
	return x.Graph().Add(b, x, scale, bias, mean, variance)
}

// Of adds the normalisation with fixed statistics.
func (b BatchNorm) Of(x, scale, bias, mean, variance *ir.Value) *ir.Value {
	return x.Graph().Add1(b, x, scale, bias, mean, variance)
}

// VJP: through the batch statistics (Ioffe & Szegedy 2015, section 3), by ONNX Runtime's kernel,
// which always produces all three gradients.
func (b BatchNormTraining) VJP(p ir.Pullback) []*ir.Value {
	dx := make([]*ir.Value, 5)
	if !slices.Contains(p.Need[:3], true) {
		return dx
	}
	d := p.Dy[0].Graph().Add(BatchNormGrad{b.Epsilon}, p.Dy[0], p.In(0), p.In(1), p.Out(3), p.Out(4))
	for i := range 3 {
		if p.Need[i] {
			dx[i] = d[i]
		}
	}
	return dx
}
