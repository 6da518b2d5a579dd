package eval

import (
	"fmt"
	"math"
	"slices"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// compute evaluates a node. It checks the shapes of the results and rounds those of bfloat16.
func compute(n *ir.Node, in []*Tensor) (out []*Tensor, err error) {
	switch o := n.Op.(type) {
	case op.Device:
		out, err = computeGroup(o.Group, op.Joined(o, n.In), op.Joined(o, in))
		out = op.Spread(o, out)
	case op.Group:
		out, err = computeGroup(o, n.In, in)
	default:
		out, err = apply(n.Op, in)
	}
	if err != nil {
		return nil, err
	}
	for i, v := range n.Out {
		if v == nil {
			continue
		}
		if err := out[i].check(v.Type); err != nil {
			return nil, fmt.Errorf("output %d: the graph %w", i, err)
		}
		if v.DType == ir.BFloat16 {
			out[i] = brain(out[i])
		}
	}
	return out, nil
}

// computeGroup evaluates the members of a group one after the other.
func computeGroup(o op.Group, inputs []*ir.Value, in []*Tensor) ([]*Tensor, error) {
	values := append([]*Tensor(nil), in...)
	for i, n := range o.Nodes(inputs) {
		args, err := op.Pick(values, o.Members[i].In)
		if err != nil {
			return nil, err
		}
		for len(args) > 0 && args[len(args)-1] == nil {
			args = args[:len(args)-1]
		}
		outs, err := compute(n, args)
		if err != nil {
			return nil, err
		}
		for j, v := range n.Out {
			if v != nil {
				values = append(values, outs[j])
			}
		}
	}
	return op.Pick(values, o.Results)
}

// apply evaluates one operator of package op and returns all outputs that the operator can have.
func apply(o ir.Op, in []*Tensor) ([]*Tensor, error) {
	switch o := o.(type) {
	case op.Conv:
		return one(conv(o, in)), nil
	case op.ConvGrad:
		return convGrad(o.Conv, in[0], in[1], in[2]), nil
	case op.MaxPool:
		return maxPool(o, in[0]), nil
	case op.MaxPoolGrad:
		return scatterMax(o, in[0], in[1])
	case op.AveragePool:
		return one(averagePool(o, in[0])), nil
	case op.AveragePoolGrad:
		return one(averagePoolGrad(o, in[0])), nil
	case op.GatherElementsGrad:
		return scatterAdd(in[0], in[1].I[0], in[2])
	case op.ConvTranspose:
		return one(convTranspose(o, in[0], in[1])), nil
	case op.GlobalAveragePool:
		return one(globalAveragePool(in[0])), nil
	case op.BatchNormTraining:
		return batchNormTraining(o, in), nil
	case op.BatchNormGrad:
		return batchNormGrad(in), nil
	case op.BatchNorm:
		return one(batchNorm(o, in)), nil
	case op.Gemm:
		return one(gemm(o, in)), nil
	case op.MatMul:
		return one(matMul(in[0], in[1])), nil
	case op.Softmax:
		return one(softmax(in[0])), nil
	case op.SoftmaxGrad:
		return one(softmaxGrad(in[0], in[1])), nil
	case op.CrossEntropy:
		return crossEntropy(in[0], in[1])
	case op.CrossEntropyGrad:
		return crossEntropyGrad(in[0], in[1], in[2])
	case op.Overwrite:
		return one(Bools([]bool{true}, 1)), nil
	default:
		if out, ok := applyKernels(o, in); ok {
			return out, nil
		}
		return applyPlain(o, in)
	}
}

// applyPlain evaluates elementwise operators, reductions and changes of shape.
func applyPlain(o ir.Op, in []*Tensor) ([]*Tensor, error) {
	switch o := o.(type) {
	case op.Add:
		if in[0].I != nil {
			return one(binaryInts(in, func(x, y int64) int64 { return x + y })), nil
		}
		return one(binary(in, func(x, y float64) float64 { return x + y })), nil
	case op.Sub:
		if in[0].I != nil {
			return one(binaryInts(in, func(x, y int64) int64 { return x - y })), nil
		}
		return one(binary(in, func(x, y float64) float64 { return x - y })), nil
	case op.Mul:
		return one(binary(in, func(x, y float64) float64 { return x * y })), nil
	case op.Div:
		return one(binary(in, func(x, y float64) float64 { return x / y })), nil
	case op.Max:
		return one(binary(in, func(x, y float64) float64 { return max(x, y) })), nil
	case op.Sqrt:
		return one(each(in[0], math.Sqrt)), nil
	case op.Sigmoid:
		return one(each(in[0], func(x float64) float64 { return 1 / (1 + math.Exp(-x)) })), nil
	case op.Relu:
		return one(relu(in[0])), nil
	case op.ReluGrad:
		return one(reluGrad(in[0], in[1])), nil
	case op.ReduceSum:
		return one(reduceSum(in[0], in[1].I)), nil
	case op.ReduceMean:
		return one(reduceMean(in[0])), nil
	case op.ReduceSumSquare:
		return one(reduceSumSquare(in[0])), nil
	case op.ReduceMin:
		return one(extreme(in[0], slices.Min[[]float64])), nil
	case op.ReduceMax:
		return one(extreme(in[0], slices.Max[[]float64])), nil
	case op.QuantizeLinear:
		return one(quantize(o, in[0], in[1], in[2])), nil
	case op.DequantizeLinear:
		return one(dequantize(o, in[0], in[1], in[2])), nil
	case op.PassThrough:
		return in, nil
	case op.Shape:
		return one(shapeOf(in[0])), nil
	case op.Reshape:
		return one(reshape(in[0], in[1].I)), nil
	case op.Flatten:
		return one(flatten(in[0])), nil
	case op.Expand:
		return one(expand(in[0], in[1].I)), nil
	case op.Transpose:
		return one(transpose(o, in[0])), nil
	case op.Concat:
		return one(concat(o, in)), nil
	case op.Split:
		return split(o, in[0], in[1].I), nil
	case op.Slice:
		return one(slice(in[0], in[1].I, in[2].I, in[3].I)), nil
	case op.SliceChannels:
		return one(slice(in[0], in[1].I, in[2].I, in[3].I)), nil
	case op.SliceVector:
		return one(slice(in[0], in[1].I, in[2].I, in[3].I)), nil
	case op.Pad:
		return one(pad(in[0], in[1].I)), nil
	case op.PadVector:
		return one(pad(in[0], in[1].I)), nil
	case op.ArgMax:
		return one(argMax(in[0])), nil
	case op.Equal:
		return one(equal(in[0], in[1])), nil
	case op.Cast:
		t, err := cast(o.To, in[0])
		return one(t), err
	default:
		domain, name := o.OpType()
		return nil, fmt.Errorf("operator %T (domain %q, name %q) is not known", o, domain, name)
	}
}

func one(t *Tensor) []*Tensor { return []*Tensor{t} }
