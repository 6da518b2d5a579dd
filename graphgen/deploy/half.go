package deploy

import (
	"encoding/binary"
	"fmt"
	"math"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// Half makes the float16 form of a graph: weights and arithmetic in half precision, inputs and
// outputs in float32. Image normalisation (Sub, Div) and a final Softmax stay in float32.
func Half(g *ir.Graph) (*ir.Graph, error) {
	h := &halver{g: ir.New(g.Name), by: map[typed]*ir.Value{}}
	err := ir.Build(func() {
		for _, v := range g.Inputs {
			h.by[typed{v, v.DType}] = h.g.Input(v.Name, v.Type)
		}
		for _, n := range g.Nodes {
			h.node(n)
		}
		for _, o := range g.Outputs {
			h.g.Output(o.Name, h.value(o.Value, o.Value.DType))
		}
	})
	if err != nil {
		return nil, fmt.Errorf("half precision: %w", err)
	}
	h.g.Trim()
	return h.g, nil
}

// typed is a value of the old graph in an element type.
type typed struct {
	v *ir.Value
	d ir.DType
}

// halver copies a graph node by node.
type halver struct {
	g  *ir.Graph
	by map[typed]*ir.Value // replacements of the old values, in each type needed
}

func (h *halver) node(n *ir.Node) {
	d := ir.Float16
	switch n.Op.(type) {
	case op.Sub, op.Div, op.Softmax:
		d = ir.Float
	}
	in := make([]*ir.Value, len(n.In))
	for i, v := range n.In {
		if v.DType != ir.Float {
			in[i] = h.value(v, v.DType)
		} else {
			in[i] = h.value(v, d)
		}
	}
	h.g.At(n.Scope, func() {
		for i, v := range h.g.Add(n.Op, in...) {
			if n.Out[i] != nil {
				h.by[typed{n.Out[i], v.DType}] = v
			}
		}
	})
}

// value returns the old value v in element type d, with a conversion where the types differ.
func (h *halver) value(v *ir.Value, d ir.DType) *ir.Value {
	key := typed{v, d}
	if h.by[key] == nil {
		switch {
		case v.Const != nil:
			h.by[key] = h.constant(v, d)
		case d == ir.Float:
			h.by[key] = op.Cast{To: d}.Of(h.by[typed{v, ir.Float16}])
		default:
			h.by[key] = op.Cast{To: d}.Of(h.by[typed{v, ir.Float}])
		}
	}
	return h.by[key]
}

func (h *halver) constant(v *ir.Value, d ir.DType) *ir.Value {
	t, c := ir.T(d, v.Shape...), v.Const
	if d == ir.Float16 {
		c = &ir.Constant{Bytes: make([]byte, 0, t.Bytes())}
		for _, x := range v.Const.Float {
			c.Bytes = binary.LittleEndian.AppendUint16(c.Bytes, halfBits(x))
		}
	}
	if v.Name == "" {
		return h.g.Constant(t, c)
	}
	return h.g.Named(v.Name, t, c)
}

// halfBits rounds to the nearest binary16, half to even: 1 sign bit, 5 exponent bits, 10 fraction
// bits. A fraction that rounds up carries into the exponent, as it should.
func halfBits(x float32) uint16 {
	sign := uint16(math.Float32bits(x)>>16) & 0x8000
	size := math.Abs(float64(x))
	switch {
	case size != size:
		return sign | 0x7e00
	case size >= 65520: // half a step above the largest number
		return sign | 0x7c00
	case size < 1./(1<<14): // subnormal, no hidden leading one: steps of 2^-24
		return sign | uint16(math.RoundToEven(size*(1<<24)))
	}
	fraction, exponent := math.Frexp(size) // size = fraction 2^exponent, fraction in [1/2,1)
	steps := uint16(math.RoundToEven(fraction * (1 << 11)))
	return sign | (uint16(exponent+14)<<10 + steps - 1<<10)
}
