package fakes

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/proto"

	"zos-ort/graphgen/onnx"
	"zos-ort/models/space"
)

// SecondAccuracy is what a separable 3x3 convolution adds to the accuracy of Second.
const SecondAccuracy = 1. / 32

// Second is a model of the second form of YAHPO Gym's surrogate. It takes category i of
// space.NB301 at place[i], and predicts (accuracy as a fraction, 0, 0, weights), where the accuracy
// counts separable convolutions and the weights are those of a network, in thousands.
func Second(place [space.NB301Len]int) ([]byte, error) {
	const codes = 16 // of a category at most
	sep := operationCodes()[space.SepConv3x3]
	tables := [4][]float32{}
	for k := range tables {
		tables[k] = make([]float32, space.NB301Len*codes)
	}
	edges := space.DARTS.Edges()
	for i := range 2 * edges {
		for op, code := range operationCodes() {
			at := place[i]*codes + int(code)
			tables[3][at] = weights(space.CellType(i/edges), i%edges, op)
			if code == sep {
				tables[0][at] = SecondAccuracy
			}
		}
	}
	g := &onnx.GraphProto{Name: proto.String("surrogate"),
		Input:  []*onnx.ValueInfoProto{Port("x_cat", 6, 0, space.NB301Len), Port("x_cont", 1, 0, 1)},
		Output: []*onnx.ValueInfoProto{Port("y", 1, 0, 4)}}
	var offsets []byte
	for i := range space.NB301Len {
		offsets = binary.LittleEndian.AppendUint32(offsets, uint32(i*codes))
	}
	g.Initializer = append(g.Initializer, &onnx.TensorProto{Name: proto.String("offsets"),
		DataType: proto.Int32(6), Dims: []int64{space.NB301Len}, RawData: offsets},
		&onnx.TensorProto{Name: proto.String("axis"), DataType: proto.Int32(7), Dims: []int64{1},
			RawData: binary.LittleEndian.AppendUint64(nil, 1)})
	node := func(op string, in []string, out string, attributes ...*onnx.AttributeProto) {
		g.Node = append(g.Node, &onnx.NodeProto{OpType: &op, Input: in, Output: []string{out},
			Attribute: attributes})
	}
	node("Add", []string{"x_cat", "offsets"}, "index")
	var columns []string
	for k, table := range tables {
		name := string(rune('a' + k))
		var raw []byte
		for _, x := range table {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
		g.Initializer = append(g.Initializer, &onnx.TensorProto{Name: proto.String("table_" + name),
			DataType: proto.Int32(1), Dims: []int64{int64(len(table))}, RawData: raw})
		node("Gather", []string{"table_" + name, "index"}, "terms_"+name)
		node("ReduceSum", []string{"terms_" + name, "axis"}, name)
		columns = append(columns, name)
	}
	node("Concat", columns, "y", &onnx.AttributeProto{Name: proto.String("axis"), I: proto.Int64(1),
		Type: onnx.AttributeProto_INT.Enum()})
	return onnx.Bytes(&onnx.ModelProto{IrVersion: proto.Int64(8), Graph: g,
		OpsetImport: []*onnx.OperatorSetIdProto{{Version: proto.Int64(17)}}})
}

// weights are those that an operation on an edge has more than a pool, in thousands. A skip
// connection has some where it halves the image, which is how the order of the edges shows.
func weights(t space.CellType, edge int, op space.Primitive) float32 {
	if op == space.None {
		return 0
	}
	e := space.DARTS.EdgeAt(edge)
	count := func(op space.Primitive) int {
		g := everywhere(space.MaxPool3x3)
		cells := [2][]space.Gene{g.Cell(space.Normal), g.Cell(space.Reduce)}
		cells[t][2*e.Node] = space.Gene{Op: op, Source: e.Source}
		return space.NetworkParams(space.DARTS.Genotype(cells[:]...), 32, 8, 10, false)
	}
	return float32(count(op)-count(space.MaxPool3x3)) / 1000
}

func everywhere(op space.Primitive) space.Genotype {
	var cell []space.Gene
	for i := range space.DARTS.Genes() {
		cell = append(cell, space.Gene{Op: op, Source: i % 2})
	}
	return space.DARTS.Genotype(cell, cell)
}

// operationCodes are the codes that space.NB301 gives the operations.
func operationCodes() map[space.Primitive]uint8 {
	codes := map[space.Primitive]uint8{space.None: 0}
	for _, op := range space.DARTS.Operations()[1:] {
		code, err := everywhere(op).NB301()
		if err != nil {
			panic(err)
		}
		codes[op] = code[0]
	}
	return codes
}
