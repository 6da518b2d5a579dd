package eval

import (
	"fmt"
	"math"

	"zos-ort/graphgen/op"
)

func gemm(m op.Gemm, in []*Tensor) *Tensor {
	a, b := in[0], in[1]
	at := func(t *Tensor, trans bool, r, c int) float64 {
		if trans {
			r, c = c, r
		}
		return t.F[r*t.Shape[1]+c]
	}
	rows, inner, cols := a.Shape[0], a.Shape[1], b.Shape[1]
	if m.TransA {
		rows, inner = inner, rows
	}
	if m.TransB {
		cols = b.Shape[0]
	}
	y := zeros([]int{rows, cols})
	for r := range rows {
		for c := range cols {
			sum := 0.0
			for k := range inner {
				sum += at(a, m.TransA, r, k) * at(b, m.TransB, k, c)
			}
			if len(in) > 2 {
				sum += in[2].F[c]
			}
			y.F[r*cols+c] = sum
		}
	}
	return y
}

// matMul multiplies two matrices, or a stack of pairs.
func matMul(a, b *Tensor) *Tensor {
	if len(a.Shape) == 2 {
		return gemm(op.Gemm{}, []*Tensor{a, b})
	}
	y := zeros([]int{a.Shape[0], a.Shape[1], b.Shape[2]})
	part := func(t *Tensor, i int) *Tensor {
		n := elements(t.Shape[1:])
		return Floats(t.F[i*n:(i+1)*n], t.Shape[1:]...)
	}
	for i := range a.Shape[0] {
		copy(part(y, i).F, gemm(op.Gemm{}, []*Tensor{part(a, i), part(b, i)}).F)
	}
	return y
}

// eachRow visits the rows along the last axis as ranges of flat indices.
func eachRow(x *Tensor, visit func(from, to int)) {
	if len(x.Shape) == 0 {
		visit(0, 1)
		return
	}
	k := x.Shape[len(x.Shape)-1]
	for i := 0; i < len(x.F); i += k {
		visit(i, i+k)
	}
}

// logSoftmax is x - log sum exp(x), row by row.
func logSoftmax(x *Tensor) *Tensor {
	y := zeros(x.Shape)
	eachRow(x, func(from, to int) {
		top, sum := math.Inf(-1), 0.0
		for _, v := range x.F[from:to] {
			top = max(top, v)
		}
		for _, v := range x.F[from:to] {
			sum += math.Exp(v - top)
		}
		for i := from; i < to; i++ {
			y.F[i] = x.F[i] - top - math.Log(sum)
		}
	})
	return y
}

func softmax(x *Tensor) *Tensor {
	y := logSoftmax(x)
	for i, v := range y.F {
		y.F[i] = math.Exp(v)
	}
	return y
}

// softmaxGrad multiplies dY by the Jacobian: dx_i = sum over j of dy_j y_j ([i=j] - y_i).
func softmaxGrad(dy, y *Tensor) *Tensor {
	dx := zeros(y.Shape)
	eachRow(y, func(from, to int) {
		for i := from; i < to; i++ {
			for j := from; j < to; j++ {
				delta := 0.0
				if i == j {
					delta = 1
				}
				dx.F[i] += dy.F[j] * y.F[j] * (delta - y.F[i])
			}
		}
	})
	return dx
}

// checkLabels reports a label outside the classes.
func checkLabels(labels *Tensor, classes int) error {
	for i, l := range labels.I {
		if l < 0 || l >= int64(classes) {
			return fmt.Errorf("label %d of row %d is not one of %d classes", l, i, classes)
		}
	}
	return nil
}

// crossEntropy returns the mean loss and the log-probabilities.
func crossEntropy(scores, labels *Tensor) ([]*Tensor, error) {
	k := scores.Shape[1]
	if err := checkLabels(labels, k); err != nil {
		return nil, err
	}
	logp, loss := logSoftmax(scores), zeros(nil)
	for r, l := range labels.I {
		loss.F[0] -= logp.F[r*k+int(l)] / float64(len(labels.I))
	}
	return []*Tensor{loss, logp}, nil
}

func crossEntropyGrad(dl, logp, labels *Tensor) ([]*Tensor, error) {
	k := logp.Shape[1]
	if err := checkLabels(labels, k); err != nil {
		return nil, err
	}
	dx, batch := zeros(logp.Shape), float64(len(labels.I))
	for i, v := range logp.F {
		dx.F[i] = dl.F[0] * math.Exp(v) / batch
	}
	for r, l := range labels.I {
		dx.F[r*k+int(l)] -= dl.F[0] / batch
	}
	return one(dx), nil
}
