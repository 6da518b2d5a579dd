package onnx_test

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/onnx"
	"zos-ort/graphgen/op"
)

// sample has an input that is also an output, a value with two output names and an operator of a
// foreign domain.
func sample(t *testing.T) *ir.Graph {
	t.Helper()
	g := ir.New("sample")
	err := ir.Build(func() {
		x := g.Input("x", ir.T(ir.Float, 2, 3))
		var y *ir.Value
		g.In("layer", func() { y = op.Relu{}.Of(op.Mul{}.Of(x, g.Scalar(2.5))) })
		g.Output("y", y)
		g.Output("again", y)
		g.Output("same", x)
		g.Output("soft", op.Softmax{}.Of(y))
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func model(t *testing.T, g *ir.Graph, o onnx.Options) (*onnx.ModelProto, []byte) {
	t.Helper()
	m, err := onnx.Model(g, o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := onnx.Bytes(m)
	if err != nil {
		t.Fatal(err)
	}
	return m, b
}

func TestRoundTrip(t *testing.T) {
	m, b := model(t, sample(t), onnx.Options{ProducerVersion: "1.2", Doc: "a note",
		Metadata: map[string]string{"b": "2", "a": "1"}})
	back, err := onnx.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(m, back) {
		t.Errorf("read back:\n%swant:\n%s", onnx.Text(back), onnx.Text(m))
	}
	if back.GetProducerVersion() != "1.2" || back.GetDocString() != "a note" ||
		back.GetProducerName() != onnx.Producer || back.GetIrVersion() != onnx.IRVersion {
		t.Errorf("header: %v", back)
	}
	var meta []string
	for _, p := range back.MetadataProps {
		meta = append(meta, p.GetKey()+"="+p.GetValue())
	}
	if got := strings.Join(meta, " "); got != "a=1 b=2" {
		t.Errorf("metadata %s, want a=1 b=2", got)
	}
	for range 5 { // the file must not depend on the order of maps in the options
		_, again := model(t, sample(t), onnx.Options{ProducerVersion: "1.2", Doc: "a note",
			Metadata: map[string]string{"a": "1", "b": "2"}})
		if !bytes.Equal(b, again) {
			t.Fatal("equal models give different bytes")
		}
	}
}

func TestText(t *testing.T) {
	m, _ := model(t, sample(t), onnx.Options{})
	const want = `<ir_version: 8, opset_import: ["" : 17]>
sample (float[2,3] x) => (float[2,3] y, float[2,3] again, float[2,3] same, float[2,3] soft)
<
  float const_0 = {2.5}
>
{
  "layer/Mul_0" = Mul (x, const_0)
  y = Relu ("layer/Mul_0")
  soft = Softmax <axis = -1> (y)
  again = Identity (y)
  same = Identity (x)
}
`
	if got := onnx.Text(m); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestBatchNamesTheFirstDimension(t *testing.T) {
	m, _ := model(t, sample(t), onnx.Options{Batch: "N"})
	want := "input float[N,3] x, output float[N,3] y, output float[N,3] again, " +
		"output float[N,3] same, output float[N,3] soft"
	if got := strings.Join(onnx.Ports(m), ", "); got != want {
		t.Errorf("ports %s, want %s", got, want)
	}
	if len(m.Graph.ValueInfo) == 0 {
		t.Error("no inner value has a declared size")
	}
	for _, v := range m.Graph.ValueInfo {
		if d := v.Type.GetTensorType().Shape.Dim[0]; d.GetDimParam() != "N" {
			t.Errorf("inner value %s has the first dimension %v, want N", v.GetName(), d)
		}
	}
}

func TestDomains(t *testing.T) {
	g := ir.New("step")
	if err := ir.Build(func() {
		w := g.Input("w", ir.T(ir.Float, 2))
		g.Output("done", op.Overwrite{}.Of(w, op.Mul{}.Of(w, w)))
	}); err != nil {
		t.Fatal(err)
	}
	m, _ := model(t, g, onnx.Options{})
	text := onnx.Text(m)
	for _, want := range []string{`["" : 17, "com.microsoft" : 1]`, "bool[1] const_0 = {1}",
		`done = com.microsoft.InPlaceAccumulatorV2 (w, Mul_0, const_0)`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("not a model"), {8, 8}} {
		if m, err := onnx.Parse(b); err == nil || !strings.Contains(err.Error(), "not an ONNX file") {
			t.Errorf("%q: %v, %v", b, m, err)
		}
	}
}

// unknown is an operator with an attribute that no ONNX file can hold.
type unknown struct{ op.Relu }

func (unknown) Attrs() []ir.Attr { return []ir.Attr{{Name: "odd", Value: struct{}{}}} }

func TestModelErrors(t *testing.T) {
	g := ir.New("bad")
	if err := ir.Build(func() {
		x := g.Input("x", ir.T(ir.Float, 1))
		g.In("layer", func() { g.Output("y", g.Add1(unknown{}, x)) })
	}); err != nil {
		t.Fatal(err)
	}
	_, err := onnx.Model(g, onnx.Options{})
	want := "emit layer/Relu_0: attribute odd has the unsupported type struct {}"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
