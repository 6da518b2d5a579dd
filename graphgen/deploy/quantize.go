package deploy

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// Range holds the smallest and the largest observed value of an activation.
type Range struct{ Min, Max float32 }

// MinName and MaxName name the outputs that Observe adds for activation i.
func MinName(i int) string { return fmt.Sprintf("min_%d", i) }
func MaxName(i int) string { return fmt.Sprintf("max_%d", i) }

// Observe makes a graph return the extremes of the activations whose ranges Quantize needs, and
// returns their number.
func Observe(g *ir.Graph) (int, error) {
	list := activations(g)
	err := ir.Build(func() {
		for i, v := range list {
			g.Output(MinName(i), op.ReduceMin{}.Of(v))
			g.Output(MaxName(i), op.ReduceMax{}.Of(v))
		}
	})
	return len(list), err
}

// activations lists the values that are stored in 8 bits with a range of their own: the image as
// the first convolution sees it, and the result of every node but the logits. A max pool, a slice
// and Flatten pass on the range of their input. A convolution that only feeds one Relu has the
// range of that Relu.
func activations(g *ir.Graph) (list []*ir.Value) {
	readers := g.Readers()
	for _, v := range g.Inputs {
		for _, r := range readers[v] {
			if _, ok := r.Op.(op.Conv); ok && r.In[0] == v {
				list = append(list, v)
				break
			}
		}
	}
	for _, n := range g.Nodes {
		switch n.Op.(type) {
		case op.Conv:
			if r := readers[n.Out[0]]; len(r) == 1 && isRelu(r[0]) {
				continue
			}
		case op.Relu, op.Add, op.Div, op.Concat, op.AveragePool, op.GlobalAveragePool:
		default:
			continue
		}
		list = append(list, n.Out[0])
	}
	return list
}

func isRelu(n *ir.Node) bool {
	_, ok := n.Op.(op.Relu)
	return ok
}

// Quantize stores weights and activations in 8 bits, in place (QDQ form). Every activation passes
// through QuantizeLinear and DequantizeLinear with a scale and zero point for its range. Every
// weight is a DequantizeLinear of int8 constants, symmetric, with a scale per output channel; every
// bias is a DequantizeLinear of int32 constants in units of the products. A runtime that recognises
// the pattern computes in integers; any other computes the same numbers in float32. The ranges are
// those of the activations that Observe lists.
func Quantize(g *ir.Graph, ranges []Range) error {
	list := activations(g)
	if len(ranges) != len(list) {
		return fmt.Errorf("quantize: %d ranges for %d activations", len(ranges), len(list))
	}
	q := &quantizer{g: g, ranges: map[*ir.Value]Range{}}
	for i, v := range list {
		if r := ranges[i]; !(r.Min <= r.Max) || math.IsInf(float64(r.Max)-float64(r.Min), 0) {
			return fmt.Errorf("quantize: activation %d ranges from %v to %v", i, r.Min, r.Max)
		}
		q.ranges[v] = ranges[i]
	}
	if err := ir.Build(func() { g.Rewrite(q.rule) }); err != nil {
		return fmt.Errorf("quantize: %w", err)
	}
	g.Trim()
	return nil
}

type quantizer struct {
	g      *ir.Graph
	ranges map[*ir.Value]Range
}

func (q *quantizer) rule(n *ir.Node) []*ir.Value {
	in := slices.Clone(n.In)
	r, ranged := q.ranges[n.Out[0]]
	switch n.Op.(type) {
	case op.Conv, op.Gemm:
		q.operands(n, in)
	case op.MaxPool, op.Slice, op.Flatten:
		return q.passThrough(n)
	case op.Relu:
		if ranged && r.Min >= 0 {
			// Zero is the lowest stored number: lower values saturate.
			return []*ir.Value{q.activation(in[0], r)}
		}
	default:
		if !ranged {
			return nil
		}
	}
	y := q.g.Add1(n.Op, in...)
	if ranged {
		y = q.activation(y, r)
	}
	return []*ir.Value{y}
}

// passThrough gives a node that only picks elements the quantisation parameters of its input.
func (q *quantizer) passThrough(n *ir.Node) []*ir.Value {
	scale, zero, ok := storage(n.In[0])
	if !ok {
		return nil
	}
	y := q.g.Add1(n.Op, n.In...)
	return []*ir.Value{through(y, scale, zero), nil} // nil: the indices of a MaxPool
}

// storage returns the quantisation parameters of an activation that a DequantizeLinear produces.
func storage(v *ir.Value) (scale, zero *ir.Value, ok bool) {
	if v.Def == nil {
		return nil, nil, false
	}
	if _, ok = v.Def.Op.(op.DequantizeLinear); ok {
		scale, zero = v.Def.In[1], v.Def.In[2]
	}
	return scale, zero, ok
}

// through stores v in 8 bits and reads it back.
func through(v, scale, zero *ir.Value) *ir.Value {
	return op.DequantizeLinear{}.Of(op.QuantizeLinear{To: zero.DType}.Of(v, scale, zero), scale, zero)
}

// activation stores v as uint8 such that zero, which padding and ReLU produce, is exact. ONNX
// Runtime's fastest products are of uint8 with int8; on x86 it leaves int8 activations in float32.
func (q *quantizer) activation(v *ir.Value, r Range) *ir.Value {
	lowest, highest := min(float64(r.Min), 0), max(float64(r.Max), 0)
	scale := float32((highest - lowest) / 255)
	if scale == 0 {
		scale = 1
	}
	zero := min(max(math.RoundToEven(-lowest/float64(scale)), 0), 255)
	return through(v, q.g.Scalar(scale),
		q.g.Constant(ir.T(ir.Uint8), &ir.Constant{Bytes: []byte{byte(zero)}}))
}

// operands quantises the inputs of a convolution or the classifier.
func (q *quantizer) operands(n *ir.Node, in []*ir.Value) {
	if r, ok := q.ranges[in[0]]; ok && in[0].IsInput() {
		in[0] = q.activation(in[0], r)
	}
	scale, _, ok := storage(in[0])
	if gemm, is := n.Op.(op.Gemm); !ok || in[1].Const == nil || is && (gemm.TransA || !gemm.TransB) {
		q.g.Fail("needs a quantised input and a constant weight by output channel, got %v", in[1])
	}
	var bias []float32
	if len(in) == 3 {
		bias = in[2].Const.Float
	}
	weight, scales := quantizeWeight(in[1].Const.Float, in[1].Shape[0], bias, scale.Const.Float[0])
	in[1] = q.dequantize(in[1], ir.Int8, weight, scales)
	if len(in) == 3 {
		in[2] = q.bias(in[2], scales, scale.Const.Float[0])
	}
}

// weightSteps is the largest int8 weight. Processors without a byte dot product (x86 before VNNI)
// add two uint8 x int8 products in 16 bits, which overflows silently beyond 2 x 255 x 64. ONNX
// Runtime advises 7 bits for them ("reduce range"); with a scale per channel the last bit is worth
// next to nothing.
const weightSteps = 63

// quantizeWeight returns the int8 form of a weight [channels,...] and its scales. The bias of a
// channel is stored in units of its scale times that of the input. That must not overflow where a
// filter is next to nothing (its batch norm has faded), so such a filter gets a coarser scale.
func quantizeWeight(w []float32, channels int, bias []float32, input float32) ([]byte, []float32) {
	filter := len(w) / channels
	stored, scales := make([]byte, len(w)), make([]float32, channels)
	for c := range scales {
		largest := 0.0
		for _, x := range w[c*filter : (c+1)*filter] {
			largest = max(largest, math.Abs(float64(x)))
		}
		scale := largest / weightSteps
		if bias != nil {
			scale = max(scale, math.Abs(float64(bias[c]))/float64(input)/(1<<30))
		}
		if scales[c] = float32(scale); scales[c] == 0 {
			scales[c] = 1
		}
		for i := c * filter; i < (c+1)*filter; i++ {
			steps := math.RoundToEven(float64(w[i]) / float64(scales[c]))
			stored[i] = byte(int8(min(max(steps, -weightSteps), weightSteps)))
		}
	}
	return stored, scales
}

// bias stores a bias in units of the products.
func (q *quantizer) bias(b *ir.Value, weight []float32, input float32) *ir.Value {
	var stored []byte
	scales := make([]float32, len(weight))
	for c, x := range b.Const.Float {
		scales[c] = weight[c] * input
		steps := int32(math.RoundToEven(float64(x) / float64(scales[c])))
		stored = binary.LittleEndian.AppendUint32(stored, uint32(steps))
	}
	return q.dequantize(b, ir.Int32, stored, scales)
}

// dequantize adds a constant that is stored as d with a scale for every channel.
func (q *quantizer) dequantize(v *ir.Value, d ir.DType, stored []byte, scales []float32) *ir.Value {
	zeros := make([]byte, len(scales)*d.Size())
	return op.DequantizeLinear{}.Of(
		q.g.Named(v.Name+"_quantized", ir.T(d, v.Shape...), &ir.Constant{Bytes: stored}),
		q.g.Named(v.Name+"_scale", ir.T(ir.Float, len(scales)), &ir.Constant{Float: scales}),
		q.g.Constant(ir.T(d, len(scales)), &ir.Constant{Bytes: zeros}))
}
