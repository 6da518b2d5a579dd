package eval

import (
	"slices"

	"zos-ort/graphgen/op"
)

// dims turns a shape input into a shape.
func dims(v []int64) []int {
	shape := make([]int, len(v))
	for i, d := range v {
		shape[i] = int(d)
	}
	return shape
}

// pick makes a tensor whose element i is element from(i) of x; -1 is zero.
func pick(x *Tensor, shape []int, from func(i int) int) *Tensor {
	out := like(x, shape)
	for i := range elements(shape) {
		if j := from(i); j >= 0 {
			out.set(i, x, j)
		}
	}
	return out
}

// reshape takes -1 for the one length that the others determine.
func reshape(x *Tensor, shape []int64) *Tensor {
	to := dims(shape)
	if i := slices.Index(to, -1); i >= 0 {
		to[i] = -x.Len() / elements(to)
	}
	return pick(x, to, func(i int) int { return i })
}

func flatten(x *Tensor) *Tensor {
	rest := 1
	for _, d := range x.Shape[1:] {
		rest *= d
	}
	return reshape(x, []int64{int64(x.Len() / rest), int64(rest)})
}

func expand(x *Tensor, shape []int64) *Tensor {
	to := broadcastShape(x.Shape, dims(shape))
	return pick(x, to, broadcastIndex(x.Shape, to))
}

func transpose(t op.Transpose, x *Tensor) *Tensor {
	shape, axis := make([]int, len(t.Perm)), make([]int, len(t.Perm))
	for i, c := range t.Perm {
		axis[i] = int(c - '0')
		shape[i] = x.Shape[axis[i]]
	}
	at, src := make([]int, len(shape)), make([]int, len(shape))
	return pick(x, shape, func(i int) int {
		unravel(i, shape, at)
		for a, b := range axis {
			src[b] = at[a]
		}
		return ravel(src, x.Shape)
	})
}

// window copies the block of x that starts at the given corner; anything outside of x is zero.
func window(x *Tensor, corner, shape []int) *Tensor {
	at := make([]int, len(shape))
	return pick(x, shape, func(i int) int {
		unravel(i, shape, at)
		for a := range at {
			if at[a] += corner[a]; at[a] < 0 || at[a] >= x.Shape[a] {
				return -1
			}
		}
		return ravel(at, x.Shape)
	})
}

// slice is x[starts:ends] along the given axes; ends past the end mean the end.
func slice(x *Tensor, starts, ends, axes []int64) *Tensor {
	corner, shape := make([]int, len(x.Shape)), slices.Clone(x.Shape)
	for i, a := range axes {
		corner[a] = int(starts[i])
		shape[a] = int(min(ends[i], int64(x.Shape[a])) - starts[i])
	}
	return window(x, corner, shape)
}

// pad adds zeros: pads has the counts before every axis, then those after.
func pad(x *Tensor, pads []int64) *Tensor {
	r := len(x.Shape)
	corner, shape := make([]int, r), slices.Clone(x.Shape)
	for a := range r {
		corner[a] = -int(pads[a])
		shape[a] += int(pads[a] + pads[r+a])
	}
	return window(x, corner, shape)
}

func split(s op.Split, x *Tensor, lengths []int64) []*Tensor {
	corner := make([]int, len(x.Shape))
	var out []*Tensor
	for _, n := range lengths {
		shape := slices.Clone(x.Shape)
		shape[s.Axis] = int(n)
		out = append(out, window(x, corner, shape))
		corner[s.Axis] += int(n)
	}
	return out
}

func concat(c op.Concat, in []*Tensor) *Tensor {
	shape := slices.Clone(in[0].Shape)
	shape[c.Axis] = 0
	for _, x := range in {
		shape[c.Axis] += x.Shape[c.Axis]
	}
	out, at, offset := like(in[0], shape), make([]int, len(shape)), 0
	for _, x := range in {
		for i := range x.Len() {
			unravel(i, x.Shape, at)
			at[c.Axis] += offset
			out.set(ravel(at, shape), x, i)
		}
		offset += x.Shape[c.Axis]
	}
	return out
}

func reduceSum(x *Tensor, axes []int64) *Tensor {
	shape := slices.Clone(x.Shape)
	for _, a := range axes {
		shape[a] = 1
	}
	out, to := zeros(shape), broadcastIndex(shape, x.Shape)
	for i, v := range x.F {
		out.F[to(i)] += v
	}
	return out
}

func reduceMean(x *Tensor) *Tensor {
	out := zeros(nil)
	for _, v := range x.F {
		out.F[0] += v / float64(len(x.F))
	}
	return out
}

func reduceSumSquare(x *Tensor) *Tensor {
	out := zeros(nil)
	for _, v := range x.F {
		out.F[0] += v * v
	}
	return out
}
