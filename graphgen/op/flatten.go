package op

import "zos-ort/graphgen/ir"

// Flatten joins all axes but the first: [B,...] -> [B,n]. Unlike Reshape it does not fix B, so a
// deployed model may run with any batch size. https://onnx.ai/onnx/operators/onnx__Flatten.html
type Flatten struct{}

func (Flatten) OpType() (string, string) { return ir.Onnx, "Flatten" }
func (Flatten) Attrs() []ir.Attr         { return []ir.Attr{{Name: "axis", Value: 1}} }

// Aliases marks the result as a view of the input.
func (Flatten) Aliases() {}

// Infer multiplies the lengths of all axes but the first.
func (Flatten) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("flatten", in, 1, 1); err != nil {
		return nil, err
	}
	rest := ir.Type{Shape: in[0].Shape[min(1, in[0].Rank()):]}
	return []ir.Type{ir.T(in[0].DType, in[0].Elements()/rest.Elements(), rest.Elements())}, nil
}

// Of adds the view.
func (o Flatten) Of(x *ir.Value) *ir.Value { return x.Graph().Add1(o, x) }

// VJP: reshape back.
func (Flatten) VJP(p ir.Pullback) []*ir.Value {
	return []*ir.Value{Reshape{}.To(p.Dy[0], p.In(0).Shape...)}
}
