// Package onnx writes graphs as ONNX files and prints them in ONNX's text form.
package onnx

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"zos-ort/graphgen/ir"
)

// Versions of the format, for every file that is written.
const (
	IRVersion    = 8  // ONNX IR version
	Opset        = 17 // standard operators
	ContribOpset = 1  // com.microsoft and our own domain
	Producer     = "zos-ort"
)

// BatchKey is the metadata property with the number of images of a file whose shapes leave it open.
const BatchKey = "batch"

// Options of one file. The zero value writes the graph as it is.
type Options struct {
	ProducerVersion string
	Doc             string
	Metadata        map[string]string
	// Batch, when set, replaces the first dimension of all inputs and outputs by this name. The
	// graph must not depend on the batch size anywhere else.
	Batch string
	// Short leaves out the shapes that a session does not need (ir.Value.Untold). A constant whose shape
	// it leaves out is an input, too: a value that a caller may replace, which shapes cannot depend on.
	Short bool
	// Batched lists the inputs and outputs with a batch dimension, where not all have one.
	Batched []string
}

// Model lowers a verified graph to an ONNX model. Names derive from the scope in the network and
// the position in the graph, so that equal graphs give equal files.
func Model(g *ir.Graph, o Options) (*ModelProto, error) {
	if err := g.Verify(); err != nil {
		return nil, err
	}
	e := &emitter{g: g, opt: o, names: map[*ir.Value]string{}, domains: map[string]bool{ir.Onnx: true},
		free: map[*ir.Value]bool{}}
	graph, err := e.graph()
	if err != nil {
		return nil, err
	}
	return wrap(graph, slices.Sorted(maps.Keys(e.domains)), o), nil
}

// wrap makes a model of a graph whose operators are in the given domains.
func wrap(graph *GraphProto, domains []string, o Options) *ModelProto {
	m := &ModelProto{IrVersion: proto.Int64(IRVersion), ProducerName: proto.String(Producer),
		Graph: graph}
	if o.ProducerVersion != "" {
		m.ProducerVersion = proto.String(o.ProducerVersion)
	}
	if o.Doc != "" {
		m.DocString = proto.String(o.Doc)
	}
	for _, d := range domains {
		version := int64(ContribOpset)
		if d == ir.Onnx {
			version = Opset
		}
		m.OpsetImport = append(m.OpsetImport,
			&OperatorSetIdProto{Domain: proto.String(d), Version: proto.Int64(version)})
	}
	for _, k := range slices.Sorted(maps.Keys(o.Metadata)) {
		m.MetadataProps = append(m.MetadataProps,
			&StringStringEntryProto{Key: proto.String(k), Value: proto.String(o.Metadata[k])})
	}
	return m
}

// Bytes serialises a model; equal models give equal bytes.
func Bytes(m *ModelProto) ([]byte, error) {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write model: %w", err)
	}
	return b, nil
}

// Parse reads a serialised model.
func Parse(b []byte) (*ModelProto, error) {
	m := new(ModelProto)
	if err := proto.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("read model: not an ONNX file: %w", err)
	}
	if m.Graph == nil || m.GetIrVersion() == 0 {
		return nil, fmt.Errorf("read model: not an ONNX file: no graph or no IR version in it")
	}
	return m, nil
}

type emitter struct {
	g       *ir.Graph
	opt     Options
	names   map[*ir.Value]string
	domains map[string]bool
	free    map[*ir.Value]bool // for a named batch: the values that depend on it
	out     *GraphProto
}

func (e *emitter) graph() (*GraphProto, error) {
	e.out = &GraphProto{Name: proto.String(e.g.Name)}
	for _, v := range e.g.Inputs {
		e.names[v], e.free[v] = v.Name, e.batched(v.Name)
		e.out.Input = append(e.out.Input, e.valueInfo(v.Name, v, true))
	}
	for i, v := range e.g.Constants {
		if e.names[v] = v.Name; v.Name == "" {
			e.names[v] = fmt.Sprintf("const_%d", i)
		}
		t, err := tensorProto(e.names[v], v)
		if err != nil {
			return nil, err
		}
		e.out.Initializer = append(e.out.Initializer, t)
		if e.opt.Short && v.Untold {
			e.out.Input = append(e.out.Input, e.valueInfo(e.names[v], v, false))
		}
	}
	for _, o := range e.g.Outputs {
		if _, taken := e.names[o.Value]; !taken {
			e.names[o.Value] = o.Name
		}
	}
	for i, n := range e.g.Nodes {
		if err := e.node(i, n); err != nil {
			return nil, err
		}
	}
	e.outputs()
	return e.out, nil
}

// outputs declares the outputs. A value with two output names, or an input that is also an output,
// gets an Identity.
func (e *emitter) outputs() {
	for _, o := range e.g.Outputs {
		if name := e.names[o.Value]; name != o.Name {
			e.out.Node = append(e.out.Node, &NodeProto{Input: []string{name}, Output: []string{o.Name},
				Name: proto.String("output/" + o.Name), OpType: proto.String("Identity")})
		}
		e.out.Output = append(e.out.Output, e.valueInfo(o.Name, o.Value, true))
	}
}

func (e *emitter) node(i int, n *ir.Node) error {
	domain, kind := n.Op.OpType()
	e.domains[domain] = true
	name := fmt.Sprintf("%s_%d", kind, i)
	if n.Scope != "" {
		name = n.Scope + "/" + name
	}
	p := &NodeProto{Name: proto.String(name), OpType: proto.String(kind)}
	if domain != ir.Onnx {
		p.Domain = proto.String(domain)
	}
	free := false
	for _, v := range n.In {
		p.Input = append(p.Input, e.names[v])
		free = free || e.free[v]
	}
	p.Input = trimEmpty(p.Input)
	for j, v := range n.Out {
		e.free[v] = free
		p.Output = append(p.Output, e.define(v, name, j))
	}
	p.Output = trimEmpty(p.Output)
	for _, a := range n.Op.Attrs() {
		attr, err := attribute(a)
		if err != nil {
			return fmt.Errorf("emit %s: %w", name, err)
		}
		p.Attribute = append(p.Attribute, attr)
	}
	e.out.Node = append(e.out.Node, p)
	return nil
}

// define names output j of a node and records its type.
func (e *emitter) define(v *ir.Value, node string, j int) string {
	if v == nil {
		return ""
	}
	if _, isOutput := e.names[v]; isOutput {
		return e.names[v]
	}
	name := node
	if j > 0 {
		name = fmt.Sprintf("%s:%d", node, j)
	}
	e.names[v] = name
	if e.knowsType(v) {
		e.out.ValueInfo = append(e.out.ValueInfo, e.valueInfo(name, v, e.free[v]))
	}
	return name
}

// knowsType reports whether the type of a value is known. With a batch of fixed size it always is.
// With a named batch that all ports have, a value that depends on them has the batch as its first
// dimension; a value whose first dimension has another size mixes the batch with something else.
func (e *emitter) knowsType(v *ir.Value) bool {
	switch {
	case e.opt.Batch == "":
		return true
	case e.opt.Batched != nil:
		return false
	}
	return !e.free[v] || v.Rank() == 0 || v.Shape[0] == e.g.Inputs[0].Shape[0]
}

func trimEmpty(names []string) []string {
	for len(names) > 0 && names[len(names)-1] == "" {
		names = names[:len(names)-1]
	}
	return names
}

// batchOf is the name of the first axis of a value, empty for one with a length.
func (e *emitter) batchOf(name string, v *ir.Value, port bool) string {
	if port && e.batched(name) {
		return e.opt.Batch
	}
	return v.Axis
}

// valueInfo declares a value.
func (e *emitter) valueInfo(name string, v *ir.Value, port bool) *ValueInfoProto {
	info := valueInfo(name, v.Type, e.batchOf(name, v, port))
	if e.opt.Short && v.Untold {
		info.Type.GetTensorType().Shape = nil
	}
	return info
}

// valueInfo declares a value; batch is the name of the first axis, if it has one.
func valueInfo(name string, t ir.Type, batch string) *ValueInfoProto {
	shape := &TensorShapeProto{}
	for i, d := range t.Shape {
		dim := &TensorShapeProto_Dimension{}
		if i == 0 && batch != "" {
			dim.Value = &TensorShapeProto_Dimension_DimParam{DimParam: batch}
		} else {
			dim.Value = &TensorShapeProto_Dimension_DimValue{DimValue: int64(d)}
		}
		shape.Dim = append(shape.Dim, dim)
	}
	tensor := &TypeProto_Tensor{ElemType: proto.Int32(int32(t.DType)), Shape: shape}
	return &ValueInfoProto{Name: proto.String(name),
		Type: &TypeProto{Value: &TypeProto_TensorType{TensorType: tensor}}}
}

// batched reports whether the first dimension of a port is the batch.
func (e *emitter) batched(port string) bool {
	return e.opt.Batch != "" && (e.opt.Batched == nil || slices.Contains(e.opt.Batched, port))
}

func attribute(a ir.Attr) (*AttributeProto, error) {
	p := &AttributeProto{Name: proto.String(a.Name)}
	switch v := a.Value.(type) {
	case int:
		p.I, p.Type = proto.Int64(int64(v)), AttributeProto_INT.Enum()
	case float32:
		p.F, p.Type = proto.Float32(v), AttributeProto_FLOAT.Enum()
	case string:
		p.S, p.Type = []byte(v), AttributeProto_STRING.Enum()
	case []int:
		for _, n := range v {
			p.Ints = append(p.Ints, int64(n))
		}
		p.Type = AttributeProto_INTS.Enum()
	default:
		return nil, fmt.Errorf("attribute %s has the unsupported type %T", a.Name, a.Value)
	}
	return p, nil
}

func tensorProto(name string, v *ir.Value) (*TensorProto, error) {
	t := &TensorProto{Name: proto.String(name), DataType: proto.Int32(int32(v.DType))}
	for _, d := range v.Shape {
		t.Dims = append(t.Dims, int64(d))
	}
	t.RawData = make([]byte, 0, v.Bytes())
	c := v.Const
	for _, x := range c.Float {
		t.RawData = binary.LittleEndian.AppendUint32(t.RawData, math.Float32bits(x))
	}
	for _, x := range c.Int64 {
		t.RawData = binary.LittleEndian.AppendUint64(t.RawData, uint64(x))
	}
	for _, x := range c.Bool {
		b := byte(0)
		if x {
			b = 1
		}
		t.RawData = append(t.RawData, b)
	}
	t.RawData = append(t.RawData, c.Bytes...)
	if len(t.RawData) != v.Bytes() {
		return nil, fmt.Errorf("emit constant %s: %v needs %d bytes, has %d", name, v.Type, v.Bytes(),
			len(t.RawData))
	}
	return t, nil
}
