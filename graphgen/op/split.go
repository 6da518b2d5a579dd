package op

import (
	"fmt"
	"slices"

	"zos-ort/graphgen/ir"
)

// Concat joins along Axis. https://onnx.ai/onnx/operators/onnx__Concat.html
type Concat struct{ Axis int }

// Split cuts along Axis into pieces of the given lengths.
// https://onnx.ai/onnx/operators/onnx__Split.html
type Split struct {
	Axis   int
	pieces shapeKey
}

// SliceChannels cuts the channels [From, From+Length) out of images.
// https://onnx.ai/onnx/operators/onnx__Slice.html
type SliceChannels struct{ From, Length int }

// Slice cuts rows and columns off the edges: x[:, :, Top:H-Bottom, Left:W-Right].
// https://onnx.ai/onnx/operators/onnx__Slice.html
type Slice struct{ Top, Left, Bottom, Right int }

// Pad adds zero rows and columns at the edges.
// https://onnx.ai/onnx/operators/onnx__Pad.html
type Pad struct{ Top, Left, Bottom, Right int }

func (Concat) OpType() (string, string)        { return ir.Onnx, "Concat" }
func (Split) OpType() (string, string)         { return ir.Onnx, "Split" }
func (Slice) OpType() (string, string)         { return ir.Onnx, "Slice" }
func (SliceChannels) OpType() (string, string) { return ir.Onnx, "Slice" }
func (Pad) OpType() (string, string)           { return ir.Onnx, "Pad" }

func (c Concat) Attrs() []ir.Attr      { return []ir.Attr{{Name: "axis", Value: c.Axis}} }
func (s Split) Attrs() []ir.Attr       { return []ir.Attr{{Name: "axis", Value: s.Axis}} }
func (Slice) Attrs() []ir.Attr         { return nil }
func (SliceChannels) Attrs() []ir.Attr { return nil }
func (Pad) Attrs() []ir.Attr           { return nil }

// Infer adds up the lengths along the axis; all else must agree.
func (c Concat) Infer(in []ir.Type) ([]ir.Type, error) {
	if len(in) == 0 {
		return nil, fmt.Errorf("concat: nothing to join")
	}
	out := ir.T(in[0].DType, in[0].Shape...)
	if c.Axis < 0 || c.Axis >= out.Rank() {
		return nil, fmt.Errorf("concat: axis %d of %v", c.Axis, out)
	}
	for i, t := range in[1:] {
		if t.Rank() != out.Rank() || t.DType != out.DType {
			return nil, fmt.Errorf("concat: input %d is %v, input 0 is %v", i+1, t, in[0])
		}
		for a, d := range t.Shape {
			if a != c.Axis && d != in[0].Shape[a] {
				return nil, fmt.Errorf("concat: input %d is %v, input 0 is %v", i+1, t, in[0])
			}
		}
		out.Shape[c.Axis] += t.Shape[c.Axis]
	}
	return []ir.Type{out}, nil
}

// Infer gives one output per piece; the pieces must add up to the axis.
func (s Split) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("split", in, 2, 2); err != nil {
		return nil, err
	}
	if s.Axis < 0 || s.Axis >= in[0].Rank() {
		return nil, fmt.Errorf("split: axis %d of %v", s.Axis, in[0])
	}
	pieces := s.pieces.dims()
	if err := int64s("split", in, 1, len(pieces)); err != nil {
		return nil, err
	}
	out := make([]ir.Type, 0, len(pieces))
	sum := 0
	for _, n := range pieces {
		t := ir.T(in[0].DType, in[0].Shape...)
		t.Shape[s.Axis] = n
		sum += n
		out = append(out, t)
	}
	if sum != in[0].Shape[s.Axis] {
		return nil, fmt.Errorf("split: pieces %s add up to %d, axis %d of %v is longer or shorter",
			s.pieces, sum, s.Axis, in[0])
	}
	return out, nil
}

// Infer shortens H and W.
func (s Slice) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("slice", in, 4, 4); err != nil {
		return nil, err
	}
	if err := image("slice", in[0]); err != nil {
		return nil, err
	}
	for i := 1; i < 4; i++ {
		if err := int64s("slice", in, i, 2); err != nil {
			return nil, err
		}
	}
	n := in[0].Shape
	h, w := n[2]-s.Top-s.Bottom, n[3]-s.Left-s.Right
	if min(s.Top, s.Left, s.Bottom, s.Right) < 0 || h < 1 || w < 1 {
		return nil, fmt.Errorf("slice: nothing is left of %v without %d+%d rows, %d+%d columns",
			in[0], s.Top, s.Bottom, s.Left, s.Right)
	}
	return []ir.Type{ir.T(in[0].DType, n[0], n[1], h, w)}, nil
}

// Infer gives [N,C,H,W] -> [N,Length,H,W]; the other inputs are the start, the end and the axis, each int64[1].
func (s SliceChannels) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("slice", in, 4, 4); err != nil {
		return nil, err
	}
	if err := image("slice", in[0]); err != nil {
		return nil, err
	}
	for i := 1; i < 4; i++ {
		if err := int64s("slice", in, i, 1); err != nil {
			return nil, err
		}
	}
	n := in[0].Shape
	if s.From < 0 || s.Length < 1 || s.From+s.Length > n[1] {
		return nil, fmt.Errorf("slice: %v has no channels %d to %d", in[0], s.From, s.From+s.Length)
	}
	return []ir.Type{ir.T(in[0].DType, n[0], s.Length, n[2], n[3])}, nil
}

// Infer lengthens H and W.
func (o Pad) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("pad", in, 2, 2); err != nil {
		return nil, err
	}
	if err := image("pad", in[0]); err != nil {
		return nil, err
	}
	if err := int64s("pad", in, 1, 8); err != nil {
		return nil, err
	}
	if min(o.Top, o.Left, o.Bottom, o.Right) < 0 {
		return nil, fmt.Errorf("pad: %d+%d rows and %d+%d columns must be at least 0", o.Top, o.Bottom,
			o.Left, o.Right)
	}
	n := in[0].Shape
	h, w := n[2]+o.Top+o.Bottom, n[3]+o.Left+o.Right
	return []ir.Type{ir.T(in[0].DType, n[0], n[1], h, w)}, nil
}

// Of joins the values.
func (c Concat) Of(x ...*ir.Value) *ir.Value { return x[0].Graph().Add1(c, x...) }

// Of cuts x into pieces of the given lengths along axis.
func (Split) Of(x *ir.Value, axis int, pieces ...int) []*ir.Value {
	return x.Graph().Add(Split{axis, keyOf(pieces)}, x, dims(x, pieces))
}

// Piece is output i alone of a split of images x along the channels.
func (s Split) Piece(x *ir.Value, i int) *ir.Value {
	from, pieces := 0, s.pieces.dims()
	for _, n := range pieces[:i] {
		from += n
	}
	return SliceChannels{from, pieces[i]}.Of(x)
}

// Of cuts the channels out of x.
func (s SliceChannels) Of(x *ir.Value) *ir.Value {
	g := x.Graph()
	return g.Add1(s, x, g.Ints(int64(s.From)), g.Ints(int64(s.From+s.Length)), g.Ints(1))
}

// Of adds x[:, :, Top:H-Bottom, Left:W-Right].
func (s Slice) Of(x *ir.Value) *ir.Value {
	g := x.Graph()
	end := func(axis, off int) int64 {
		if off == 0 || axis >= x.Rank() { // the type rule reports the wrong rank
			return 1 << 31
		}
		return int64(x.Shape[axis] - off)
	}
	return g.Add1(s, x, g.Ints(int64(s.Top), int64(s.Left)), g.Ints(end(2, s.Bottom), end(3, s.Right)),
		g.Ints(2, 3))
}

// Of adds the zero rows and columns.
func (o Pad) Of(x *ir.Value) *ir.Value {
	return x.Graph().Add1(o, x, x.Graph().Ints(0, 0, int64(o.Top), int64(o.Left), 0, 0, int64(o.Bottom),
		int64(o.Right)))
}

// VJP: split dY at the joints.
func (c Concat) VJP(p ir.Pullback) []*ir.Value {
	n := make([]int, len(p.Node.In))
	for i, x := range p.Node.In {
		n[i] = x.Shape[c.Axis]
	}
	switch {
	case !slices.Contains(p.Need, true):
		return make([]*ir.Value, len(n))
	case len(n) == 1:
		return []*ir.Value{p.Dy[0]}
	}
	dx := Split{}.Of(p.Dy[0], c.Axis, n...)
	for i, need := range p.Need {
		if !need {
			dx[i] = nil
		}
	}
	return dx
}

// VJP: join the cotangents of the pieces; an unused piece contributes zeros.
func (s Split) VJP(p ir.Pullback) []*ir.Value {
	g := p.Node.In[0].Graph()
	parts := make([]*ir.Value, len(p.Dy))
	for i, d := range p.Dy {
		if d == nil {
			d = Zeros(g, p.Node.Op.(Split).pieceType(p.Node.In[0].Type, i))
		}
		parts[i] = d
	}
	return []*ir.Value{Concat{s.Axis}.Of(parts...), nil}
}

func (s Split) pieceType(x ir.Type, i int) ir.Type {
	t := ir.T(x.DType, x.Shape...)
	t.Shape[s.Axis] = s.pieces.dims()[i]
	return t
}

// Zeros returns a tensor of zeros, made by broadcasting one zero.
func Zeros(g *ir.Graph, t ir.Type) *ir.Value { return Expand{}.To(g.Scalar(0), t.Shape...) }

// VJP: pad with zeros.
func (s Slice) VJP(p ir.Pullback) []*ir.Value {
	return []*ir.Value{Pad(s).Of(p.Dy[0]), nil, nil, nil}
}

// VJP: join zeros for the other channels.
func (s SliceChannels) VJP(p ir.Pullback) []*ir.Value {
	x := p.Node.In[0]
	zeros := func(channels int) *ir.Value {
		return Zeros(x.Graph(), ir.T(x.DType, x.Shape[0], channels, x.Shape[2], x.Shape[3]))
	}
	parts := []*ir.Value{p.Dy[0]}
	if s.From > 0 {
		parts = append([]*ir.Value{zeros(s.From)}, parts...)
	}
	if rest := x.Shape[1] - s.From - s.Length; rest > 0 {
		parts = append(parts, zeros(rest))
	}
	return []*ir.Value{Concat{1}.Of(parts...), nil, nil, nil}
}

// VJP: cut the padding off.
func (o Pad) VJP(p ir.Pullback) []*ir.Value { return []*ir.Value{Slice(o).Of(p.Dy[0]), nil} }
