package plan

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
		return 4 * p.planes(at(n.Out, 0))
	case "ReluConvNormGrad":
		dY, x := at(n.In, 0), at(n.In, 1)
		floats := p.planes(dY) + p.planes(x)
		for i, weight := range []int{4, 5} { // W and V: the gradient of every sample
			if v := at(n.In, weight); v != Absent && x != Absent && at(n.Out, i+1) != Absent {
				floats += p.Values[x].Shape[0] * p.Values[v].Bytes() / 4
			}
		}
		return 4 * floats
	}
	return 0
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
