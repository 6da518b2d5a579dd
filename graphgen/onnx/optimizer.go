package onnx

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"zos-ort/graphgen/ir"
)

// Optimizer is an optimiser for ONNX Runtime's on-device training.
type Optimizer string

// Optimisers that ONNX Runtime's OptimizerStep knows: com.microsoft.AdamWOptimizer, with the
// settings of ONNX Runtime's own tools, and com.microsoft.SGDOptimizerV2, which is w -= rate g.
const (
	AdamW    Optimizer = "adamw"
	PlainSGD Optimizer = "sgd"
)

// optimizerNode is the operator of an optimiser.
type optimizerNode struct {
	op        string
	attrs     []ir.Attr
	reads     []string // inputs of the node
	sequences []string // inputs of the model: one tensor per trained parameter
	done      ir.Type
}

// ONNX Runtime wants these model inputs in this order, even those that the node does not read
// (orttraining/training_api/optimizer.cc).
var optimizerNodes = map[Optimizer]optimizerNode{
	AdamW: {op: "AdamWOptimizer", attrs: []ir.Attr{{Name: "alpha", Value: float32(.9)},
		{Name: "beta", Value: float32(.999)}, {Name: "epsilon", Value: float32(1e-6)},
		{Name: "weight_decay", Value: float32(0)}, {Name: "adam_mode", Value: 1},
		{Name: "correct_bias", Value: 1}},
		reads: []string{"learning_rate", "step", "params", "gradients", "first_order_moments",
			"second_order_moments"},
		sequences: []string{"params", "gradients", "first_order_moments", "second_order_moments"},
		done:      ir.T(ir.Bool, 1)},
	PlainSGD: {op: "SGDOptimizerV2", reads: []string{"learning_rate", "params", "gradients"},
		sequences: []string{"params", "gradients", "first_order_moments"}, done: ir.T(ir.Bool)},
}

// Model returns the optimiser as a model of one node.
func (k Optimizer) Model(o Options) (*ModelProto, error) {
	n, ok := optimizerNodes[k]
	if !ok {
		return nil, fmt.Errorf("optimizer %q is neither %s nor %s", k, AdamW, PlainSGD)
	}
	node := &NodeProto{Name: proto.String(string(k)), Domain: proto.String(ir.Microsoft),
		OpType: proto.String(n.op), Input: n.reads, Output: []string{"updated"}}
	for _, a := range n.attrs {
		p, err := attribute(a)
		if err != nil {
			return nil, err
		}
		node.Attribute = append(node.Attribute, p)
	}
	g := &GraphProto{Name: proto.String("optimizer_model"), Node: []*NodeProto{node},
		Input: []*ValueInfoProto{valueInfo("learning_rate", ir.T(ir.Float, 1), ""),
			valueInfo("step", ir.T(ir.Int64, 1), "")},
		Output: []*ValueInfoProto{valueInfo("updated", n.done, "")}}
	for _, name := range n.sequences {
		g.Input = append(g.Input, tensors(name))
	}
	return wrap(g, []string{ir.Onnx, ir.Microsoft}, o), nil
}

// tensors declares a sequence of float tensors of any shape.
func tensors(name string) *ValueInfoProto {
	float := &TypeProto{Value: &TypeProto_TensorType{
		TensorType: &TypeProto_Tensor{ElemType: proto.Int32(int32(ir.Float))}}}
	return &ValueInfoProto{Name: proto.String(name), Type: &TypeProto{Value: &TypeProto_SequenceType{
		SequenceType: &TypeProto_Sequence{ElemType: float}}}}
}
