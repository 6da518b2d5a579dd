package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"zos-ort/graphgen/ir"
)

// Text prints a model in ONNX's textual form (https://onnx.ai/onnx/repo-docs/Syntax.html): one line
// per node, initialisers of up to eight elements with their values.
func Text(m *ModelProto) string {
	var b strings.Builder
	var opsets []string
	for _, o := range m.OpsetImport {
		opsets = append(opsets, fmt.Sprintf("%q : %d", o.GetDomain(), o.GetVersion()))
	}
	fmt.Fprintf(&b, "<ir_version: %d, opset_import: [%s]>\n", m.GetIrVersion(),
		strings.Join(opsets, ", "))
	g := m.GetGraph()
	fmt.Fprintf(&b, "%s (%s) => (%s)\n", quote(g.GetName()), values(g.Input), values(g.Output))
	if len(g.Initializer) > 0 {
		b.WriteString("<\n")
		for _, t := range g.Initializer {
			fmt.Fprintf(&b, "  %s %s%s\n", tensorType(t), quote(t.GetName()), tensorValues(t))
		}
		b.WriteString(">\n")
	}
	b.WriteString("{\n")
	for _, n := range g.Node {
		fmt.Fprintf(&b, "  %s\n", nodeText(n))
	}
	b.WriteString("}\n")
	return b.String()
}

func nodeText(n *NodeProto) string {
	kind := n.GetOpType()
	if n.GetDomain() != "" {
		kind = n.GetDomain() + "." + kind
	}
	var attrs []string
	for _, a := range n.Attribute {
		attrs = append(attrs, a.GetName()+" = "+attrText(a))
	}
	list := ""
	if len(attrs) > 0 {
		list = " <" + strings.Join(attrs, ", ") + ">"
	}
	return fmt.Sprintf("%s = %s%s (%s)", names(n.Output), kind, list, names(n.Input))
}

func attrText(a *AttributeProto) string {
	switch a.GetType() {
	case AttributeProto_INT:
		return fmt.Sprint(a.GetI())
	case AttributeProto_FLOAT:
		return fmt.Sprint(a.GetF())
	case AttributeProto_STRING:
		return fmt.Sprintf("%q", a.GetS())
	case AttributeProto_FLOATS:
		return strings.Join(strings.Fields(fmt.Sprint(a.Floats)), ", ")
	default:
		return strings.Join(strings.Fields(fmt.Sprint(a.Ints)), ", ")
	}
}

func names(list []string) string {
	q := make([]string, len(list))
	for i, s := range list {
		q[i] = quote(s)
	}
	return strings.Join(q, ", ")
}

// quote leaves identifiers alone and quotes everything else; an absent value becomes empty quotes.
func quote(s string) string {
	for i, c := range s {
		letter := c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
		if !letter && (i == 0 || c < '0' || c > '9') {
			return fmt.Sprintf("%q", s)
		}
	}
	if s == "" {
		return `""`
	}
	return s
}

func values(list []*ValueInfoProto) string {
	s := make([]string, len(list))
	for i, v := range list {
		if v.GetType().GetSequenceType() != nil {
			s[i] = "seq(" + typeText(v.GetType().GetSequenceType().GetElemType().GetTensorType().
				GetElemType(), nil) + ") " + quote(v.GetName())
			continue
		}
		t := v.GetType().GetTensorType()
		var dims []string
		for _, d := range t.GetShape().GetDim() {
			if p := d.GetDimParam(); p != "" {
				dims = append(dims, p)
			} else {
				dims = append(dims, fmt.Sprint(d.GetDimValue()))
			}
		}
		s[i] = typeText(t.GetElemType(), dims) + " " + quote(v.GetName())
	}
	return strings.Join(s, ", ")
}

func typeText(elem int32, dims []string) string {
	if len(dims) == 0 {
		return ir.DType(elem).String()
	}
	return ir.DType(elem).String() + "[" + strings.Join(dims, ",") + "]"
}

func tensorType(t *TensorProto) string {
	var dims []string
	for _, d := range t.Dims {
		dims = append(dims, fmt.Sprint(d))
	}
	return typeText(t.GetDataType(), dims)
}

const shownElements = 8

func tensorValues(t *TensorProto) string {
	size := ir.DType(t.GetDataType()).Size()
	n := len(t.RawData) / size
	if n > shownElements {
		return ""
	}
	var s []string
	for i := range n {
		raw := t.RawData[i*size : (i+1)*size]
		switch ir.DType(t.GetDataType()) {
		case ir.Float:
			s = append(s, fmt.Sprint(math.Float32frombits(binary.LittleEndian.Uint32(raw))))
		case ir.Int64:
			s = append(s, fmt.Sprint(int64(binary.LittleEndian.Uint64(raw))))
		default:
			s = append(s, fmt.Sprint(raw[0]))
		}
	}
	return " = {" + strings.Join(s, ", ") + "}"
}

// Ports lists the inputs and outputs of a model in text form: "input float[N,3,32,32] image".
func Ports(m *ModelProto) []string {
	var ports []string
	for _, v := range m.GetGraph().GetInput() {
		ports = append(ports, "input "+values([]*ValueInfoProto{v}))
	}
	for _, v := range m.GetGraph().GetOutput() {
		ports = append(ports, "output "+values([]*ValueInfoProto{v}))
	}
	return ports
}
