package ir

import (
	"fmt"
	"slices"
)

// Constant is the data of a constant value, row-major; exactly one field is set.
type Constant struct {
	Float []float32
	Int64 []int64
	Bool  []bool
	Bytes []byte // raw little-endian data of any other element type
}

// Len is the number of elements (of bytes, for raw data).
func (c *Constant) Len() int { return len(c.Float) + len(c.Int64) + len(c.Bool) + len(c.Bytes) }

// Floats adds a float32 constant. Equal constants are stored once.
func (g *Graph) Floats(data []float32, shape ...int) *Value {
	return g.Constant(T(Float, shape...), &Constant{Float: data})
}

// Scalar adds a float32 constant of rank 0.
func (g *Graph) Scalar(x float32) *Value { return g.Floats([]float32{x}) }

// Ints adds an int64 vector constant.
func (g *Graph) Ints(data ...int64) *Value {
	return g.Constant(T(Int64, len(data)), &Constant{Int64: data})
}

// True adds the boolean vector [true], which InPlaceAccumulatorV2 takes as its overwrite flag.
func (g *Graph) True() *Value { return g.Constant(T(Bool, 1), &Constant{Bool: []bool{true}}) }

// Named adds a constant under its own name; it is not merged with equal ones.
func (g *Graph) Named(name string, t Type, c *Constant) *Value {
	g.checkLen(t, c)
	if name == "" || g.names[name] {
		g.Fail("constant: name %q is empty or already taken", name)
	}
	g.names[name] = true
	v := &Value{Type: t, Name: name, Const: c, graph: g}
	g.Constants = append(g.Constants, v)
	return v
}

func (g *Graph) checkLen(t Type, c *Constant) {
	n := t.Elements()
	if c.Bytes != nil {
		n = t.Bytes()
	}
	if c.Len() != n {
		g.Fail("constant: %v needs %d elements, got %d", t, n, c.Len())
	}
}

// Constant adds a constant of type t. Equal constants are stored once.
func (g *Graph) Constant(t Type, c *Constant) *Value {
	g.checkLen(t, c)
	key := fmt.Sprintf("%v %v", t, *c)
	if v, ok := g.consts[key]; ok {
		if !slices.Contains(g.Constants, v) { // a pass has removed it
			g.Constants = append(g.Constants, v)
		}
		return v
	}
	v := &Value{Type: t, Const: c, graph: g}
	g.consts[key] = v
	g.Constants = append(g.Constants, v)
	return v
}
