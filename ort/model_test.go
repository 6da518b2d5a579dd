package ort

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The tests write their ONNX files themselves, with the field numbers of onnx.proto: this package
// knows bytes and must not lean on the emitter that it tests.

func pb(fields ...[]byte) (b []byte) {
	for _, f := range fields {
		b = append(b, f...)
	}
	return b
}

func pbBytes(field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), v)
}

func pbText(field protowire.Number, v string) []byte { return pbBytes(field, []byte(v)) }

func pbInt(field protowire.Number, v int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), uint64(v))
}

// model is an ONNX file under construction.
type model struct {
	graph []byte
	rest  []byte
}

// put appends the description of an input (11) or output (12); dims are ints or names.
func (m *model) put(field protowire.Number, name string, t DType, dims []any) *model {
	var shape []byte
	for _, d := range dims {
		switch d := d.(type) {
		case int:
			shape = append(shape, pbBytes(1, pbInt(1, d))...)
		case string:
			shape = append(shape, pbBytes(1, pbText(2, d))...)
		}
	}
	tensor := pb(pbInt(1, int(t)), pbBytes(2, shape))
	m.graph = append(m.graph, pbBytes(field, pb(pbText(1, name), pbBytes(2, pbBytes(1, tensor))))...)
	return m
}

func (m *model) in(name string, t DType, dims ...any) *model  { return m.put(11, name, t, dims) }
func (m *model) out(name string, t DType, dims ...any) *model { return m.put(12, name, t, dims) }

// op appends a node: "com.microsoft.Group" is operator Group of that domain.
func (m *model) op(kind, domain string, inputs, outputs []string, attrs ...[]byte) *model {
	var n []byte
	for _, name := range inputs {
		n = append(n, pbText(1, name)...)
	}
	for _, name := range outputs {
		n = append(n, pbText(2, name)...)
	}
	n = append(n, pb(pbText(4, kind), pbText(7, domain))...)
	for _, a := range attrs {
		n = append(n, pbBytes(5, a)...)
	}
	m.graph = append(m.graph, pbBytes(1, n)...)
	return m
}

// one appends a node with one output.
func (m *model) one(kind, output string, inputs ...string) *model {
	return m.op(kind, "", inputs, []string{output})
}

// overwrite appends the in-place update of a state tensor and its flag output.
func (m *model) overwrite(buffer, value string) *model {
	flag := buffer + "_done"
	m.op("InPlaceAccumulatorV2", "com.microsoft", []string{buffer, value, "yes"}, []string{flag})
	return m.out(flag, Bool, 1)
}

func (m *model) scalar(name string, v float32) *model {
	raw := binary.LittleEndian.AppendUint32(nil, math.Float32bits(v))
	tensor := pb(pbInt(2, int(Float)), pbText(8, name), pbBytes(9, raw))
	m.graph = append(m.graph, pbBytes(5, tensor)...)
	return m
}

func (m *model) yes() *model {
	tensor := pb(pbInt(1, 1), pbInt(2, int(Bool)), pbText(8, "yes"), pbBytes(9, []byte{1}))
	m.graph = append(m.graph, pbBytes(5, tensor)...)
	return m
}

func (m *model) meta(key, value string) *model {
	m.rest = append(m.rest, pbBytes(14, pb(pbText(1, key), pbText(2, value)))...)
	return m
}

func (m *model) bytes(domains ...string) []byte {
	b := pb(pbInt(1, 8), pbText(2, "zos-test"), pbInt(5, 3), pbText(6, "a test"),
		pbBytes(7, pb(m.graph, pbText(2, "g"))), pbBytes(8, pbInt(2, 17)),
		pbBytes(8, pb(pbText(1, "com.microsoft"), pbInt(2, 1))), m.rest)
	for _, d := range domains {
		b = append(b, pbBytes(8, pb(pbText(1, d), pbInt(2, 1)))...)
	}
	return b
}

const rows = 16

// fitModel is one step of least squares by momentum SGD: p = x w, loss = mean (p-y)^2,
// g = 2/rows x' (p-y), m = 0.9 m + g, w -= rate m; w and m are state.
func fitModel() []byte {
	m := new(model).in("x", Float, rows, 2).in("w", Float, 2, 1).in("y", Float, rows, 1).
		in("m", Float, 2, 1).in("rate", Float).in(lazyReset, Bool).
		scalar("decay", .9).scalar("scale", 2./rows).yes()
	m.one("MatMul", "p", "x", "w").one("Sub", "e", "p", "y").one("Mul", "ee", "e", "e").
		op("ReduceMean", "", []string{"ee"}, []string{"loss"}, intAttr("keepdims", 0)).
		one("Transpose", "xt", "x").one("MatMul", "xe", "xt", "e").one("Mul", "g", "xe", "scale").
		one("Mul", "m1", "m", "decay").one("Add", "m2", "m1", "g").one("Mul", "d", "rate", "m2").
		one("Sub", "w2", "w", "d").out("loss", Float)
	return m.overwrite("w", "w2").overwrite("m", "m2").bytes()
}

// predictModel computes x w from the same state, for any number of rows.
func predictModel() []byte {
	return new(model).in("x", Float, "n", 2).in("w", Float, 2, 1).in(lazyReset, Bool).
		one("MatMul", "p", "x", "w").out("p", Float, "n", 1).bytes()
}

// intAttr is an AttributeProto of type INT (2).
func intAttr(name string, v int) []byte { return pb(pbText(1, name), pbInt(3, v), pbInt(20, 2)) }
