// Package fakes makes models of the form of a NAS-Bench-301 surrogate, for tests.
package fakes

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/proto"

	"zos-ort/graphgen/onnx"
	"zos-ort/models/space"
)

// Surrogate is a model of the surrogate's form that computes
// y = x_cat W + x_cont with W[i] = [weight(i), 1], changed before it is written.
func Surrogate(weight func(i int) float32, change func(g *onnx.GraphProto)) ([]byte, error) {
	var raw []byte
	for i := range space.NB301Len {
		for _, w := range []float32{weight(i), 1} {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(w))
		}
	}
	g := &onnx.GraphProto{Name: proto.String("surrogate"),
		Input: []*onnx.ValueInfoProto{Port("x_cat", 6, 0, space.NB301Len),
			Port("x_cont", 1, 0, 1)},
		Output: []*onnx.ValueInfoProto{Port("y", 1, 0, 2)},
		Initializer: []*onnx.TensorProto{{Name: proto.String("w"), DataType: proto.Int32(1),
			Dims: []int64{space.NB301Len, 2}, RawData: raw}},
		Node: []*onnx.NodeProto{
			{OpType: proto.String("Cast"), Input: []string{"x_cat"}, Output: []string{"x"},
				Attribute: []*onnx.AttributeProto{{Name: proto.String("to"), I: proto.Int64(1),
					Type: onnx.AttributeProto_INT.Enum()}}},
			{OpType: proto.String("MatMul"), Input: []string{"x", "w"}, Output: []string{"p"}},
			{OpType: proto.String("Add"), Input: []string{"p", "x_cont"}, Output: []string{"y"}},
		}}
	change(g)
	return onnx.Bytes(&onnx.ModelProto{IrVersion: proto.Int64(8), Graph: g,
		OpsetImport: []*onnx.OperatorSetIdProto{{Version: proto.Int64(17)}}})
}

// Port describes a tensor; a dimension of 0 is the open batch.
func Port(name string, dtype int32, dims ...int64) *onnx.ValueInfoProto {
	shape := &onnx.TensorShapeProto{}
	for _, d := range dims {
		dim := &onnx.TensorShapeProto_Dimension{
			Value: &onnx.TensorShapeProto_Dimension_DimParam{DimParam: "N"}}
		if d > 0 {
			dim.Value = &onnx.TensorShapeProto_Dimension_DimValue{DimValue: d}
		}
		shape.Dim = append(shape.Dim, dim)
	}
	return &onnx.ValueInfoProto{Name: &name, Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{
		TensorType: &onnx.TypeProto_Tensor{ElemType: &dtype, Shape: shape}}}}
}

// Eighths are weights whose sums are exact.
func Eighths(i int) float32 { return float32(i%9) / 8 }
