package op

import "zos-ort/graphgen/ir"

// Accumulator is an operator that adds one of its inputs, if present, to its first output. The
// input has two places. One at Addend stays as it is, unless ONNX Runtime finds out by the shapes in
// the file that it can be written over. One at Addend+1 is always written over, whatever the file says
// about shapes, so it must belong to the node alone: Verify demands it as of every Clobberer. Graphs
// are built with the first place; a pass moves the inputs that it can.
type Accumulator interface {
	ir.Clobberer
	Addend() int
}

// Addend is the first place of the input that is added to the result.
func (Scaled) Addend() int                { return 2 }
func (Normalize) Addend() int             { return 3 }
func (NormalizeGrad) Addend() int         { return 5 }
func (ReluConvNorm) Addend() int          { return 5 }
func (ReluConvNormGrad) Addend() int      { return 7 }
func (DirectMaxPoolGrad) Addend() int     { return 2 }
func (DirectAveragePoolGrad) Addend() int { return 1 }

// Clobbers is the second place.
func (o Scaled) Clobbers() []int                { return over(o) }
func (o Normalize) Clobbers() []int             { return over(o) }
func (o NormalizeGrad) Clobbers() []int         { return over(o) }
func (o ReluConvNorm) Clobbers() []int          { return over(o) }
func (o ReluConvNormGrad) Clobbers() []int      { return over(o) }
func (o DirectMaxPoolGrad) Clobbers() []int     { return over(o) }
func (o DirectAveragePoolGrad) Clobbers() []int { return over(o) }

func over(o Accumulator) []int { return []int{o.Addend() + 1} }

// WriteOver moves the addend of an accumulator to the place that is written over.
func WriteOver(n *ir.Node, o Accumulator) {
	i := o.Addend()
	for len(n.In) < i+2 {
		n.In = append(n.In, nil)
	}
	n.In[i], n.In[i+1] = nil, n.In[i]
}

// addend checks the input that is added to a result of type y, at either place.
func addend(name string, o Accumulator, in []ir.Type, y ir.Type) error {
	for i := range 2 {
		if err := absentOr(name, "addend", optional(in, o.Addend()+i), y); err != nil {
			return err
		}
	}
	return nil
}
