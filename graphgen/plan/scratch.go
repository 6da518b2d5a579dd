package plan

import "zos-ort/graphgen/op"

// planeAlignment is the multiple of floats to which our kernels pad a plane (dense_align in
// ort/kernels/dense.h).
const planeAlignment = 16

// scratch is the working memory in bytes that a node needs beside its results. Only our own units
// take more than some kilobytes (unit_forward.c and unit_backward.c in ort/kernels): the
// convolution, or both convolutions, of the whole batch. ONNX Runtime's arena does not count this
// memory. On a GPU the pool does (Node.Scratch).
func (p *Program) scratch(n Node) int {
	if n.Scratch > 0 {
		return 0
	}
	switch n.Op {
	case "ReluConvNorm":
		if at(n.In, op.UnitMean) != Absent {
			return 0
		}
		return 4 * p.planes(at(n.Out, 0))
	case "ReluConvNormGrad":
		return 4 * p.unitGradient(n)
	}
	return 0
}

// unitGradient is the number of floats that the gradient of a unit works in: P of the whole batch, D too if
// it is needed twice and a convolution, and the gradients of W and V of every sample (small samples share those of V, so at most). With Y it needs neither P nor D.
func (p *Program) unitGradient(n Node) (floats int) {
	const dW = 1
	dY, x := at(n.In, 0), at(n.In, 1)
	known := at(n.In, op.UnitResult) != Absent
	if !known {
		floats = p.planes(dY)
	}
	if w := at(n.In, 4); !known && floats > 0 && x != Absent && w != Absent && at(n.In, 5) != Absent && at(n.Out, dW) != Absent {
		channels, m := p.Values[x].Shape[1], p.Values[dY].Shape[1]
		if p.Values[w].elements() == channels*m { // not one half of a factorised reduction
			floats += floats / m * channels
		}
	}
	for i, weight := range []int{4, 5} {
		if v := at(n.In, weight); v != Absent && x != Absent && at(n.Out, i+1) != Absent {
			floats += p.Values[x].Shape[0] * p.Values[v].Bytes() / 4
		}
	}
	return floats
}

// at returns the value at position i, if any: a file may hold anything.
func at(list []int, i int) int {
	if i < len(list) {
		return list[i]
	}
	return Absent
}

// planes returns the number of floats of images [N,C,H,W] with aligned planes.
func (p *Program) planes(v int) int {
	if v == Absent || len(p.Values[v].Shape) != 4 {
		return 0
	}
	s := p.Values[v].Shape
	plane := (s[2]*s[3] + planeAlignment - 1) / planeAlignment * planeAlignment
	return s[0] * s[1] * plane
}
