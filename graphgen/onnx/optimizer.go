package onnx

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"zos-ort/graphgen/ir"
)

// Optimizer is an optimiser of ONNX Runtime's on-device training.
type Optimizer string

// Optimisers that ONNX Runtime's OptimizerStep knows: com.microsoft.AdamWOptimizer with the settings
// of its own tools, and com.microsoft.SGDOptimizerV2, which is w -= rate g.
const (
	AdamW    Optimizer = "adamw"
	PlainSGD Optimizer = "sgd"
)

// Model is the optimiser as a model of one node. ONNX Runtime wants these inputs in this order
// (orttraining/training_api/optimizer.cc), whichever of them the node reads; params and the rest are
// sequences of all trainable tensors.
func (k Optimizer) Model(o Options) (*ModelProto, error) {
	node := &NodeProto{Name: proto.String(string(k)), Domain: proto.String(ir.Microsoft),
		Output: []string{"updated"}}
	done := ir.T(ir.Bool, 1)
	inputs := []string{"params", "gradients", "first_order_moments"}
	switch k {
	case AdamW:
		inputs = append(inputs, "second_order_moments")
		node.OpType = proto.String("AdamWOptimizer")
		node.Input = append([]string{"learning_rate", "step"}, inputs...)
		for _, a := range []ir.Attr{{Name: "alpha", Value: float32(.9)}, {Name: "beta", Value: float32(.999)},
			{Name: "epsilon", Value: float32(1e-6)}, {Name: "weight_decay", Value: float32(0)},
			{Name: "adam_mode", Value: 1}, {Name: "correct_bias", Value: 1}} {
			p, err := attribute(a)
			if err != nil {
				return nil, err
			}
			node.Attribute = append(node.Attribute, p)
		}
	case PlainSGD:
		node.OpType = proto.String("SGDOptimizerV2")
		node.Input = []string{"learning_rate", "params", "gradients"}
		done = ir.T(ir.Bool)
	default:
		return nil, fmt.Errorf("optimizer %q is neither %s nor %s", k, AdamW, PlainSGD)
	}
	g := &GraphProto{Name: proto.String("optimizer_model"), Node: []*NodeProto{node}}
	e := emitter{}
	g.Input = append(g.Input, e.valueInfo("learning_rate", ir.T(ir.Float, 1), true),
		e.valueInfo("step", ir.T(ir.Int64, 1), true))
	for _, name := range inputs {
		g.Input = append(g.Input, tensors(name))
	}
	g.Output = append(g.Output, e.valueInfo("updated", done, true))
	return wrap(g, []string{ir.Onnx, ir.Microsoft}, o), nil
}

// tensors declares a sequence of float tensors of any shape.
func tensors(name string) *ValueInfoProto {
	float := &TypeProto{Value: &TypeProto_TensorType{
		TensorType: &TypeProto_Tensor{ElemType: proto.Int32(int32(ir.Float))}}}
	return &ValueInfoProto{Name: proto.String(name), Type: &TypeProto{Value: &TypeProto_SequenceType{
		SequenceType: &TypeProto_Sequence{ElemType: float}}}}
}
