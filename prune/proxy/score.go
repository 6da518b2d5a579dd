package proxy

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"zos-ort/graphgen"
	"zos-ort/prune"
)

// Sample is what proxies look at. Fields that no asked proxy needs are empty.
type Sample struct {
	Layout  graphgen.Layout
	Weights []float32
	FLOPs   float64 // of a forward pass on one image
	Classes int
	Kernel  prune.Kernel // of nngp

	Logits    [][]float32 // by batch, [B,Classes]
	Labels    []int64     // of the images of all batches
	Patterns  []float32   // [B,B]
	Gradients [][]float32 // of the loss, by batch, in the layout
	Flow      []float32   // in the layout
	Jacobian  []float32   // [B, numbers of an image]
	Batch     int
}

// layers calls f with the weights of every convolution and of the classifier, and where they are. Batch norms
// and biases are no layers.
func (s *Sample) layers(f func(e graphgen.Entry)) {
	for _, e := range s.Layout {
		if strings.HasSuffix(e.Name, "/weight") && len(e.Shape) > 1 {
			f(e)
		}
	}
}

func piece(x []float32, e graphgen.Entry) []float32 { return x[e.Offset : e.Offset+e.Len()] }

func nngp(s *Sample) (float64, error) { return s.Kernel.Norm(s.allLogits(), s.Classes) }

// loss is minus the mean cross-entropy.
func loss(s *Sample) (float64, error) {
	all, sum := s.allLogits(), 0.
	for i, label := range s.Labels {
		row := all[i*s.Classes : (i+1)*s.Classes]
		sum += floats.LogSumExp(row) - row[label]
	}
	return finite("loss", -sum/float64(len(s.Labels)))
}

// allLogits are those of all batches, row by row.
func (s *Sample) allLogits() (all []float64) {
	for _, batch := range s.Logits {
		for _, x := range batch {
			all = append(all, float64(x))
		}
	}
	return all
}

// nwot is log |det K|.
func nwot(s *Sample) (float64, error) {
	k := dense(s.Patterns, s.Batch)
	log, _ := mat.LogDet(k)
	if math.IsInf(log, -1) {
		return 0, fmt.Errorf("nwot: two images have the same ReLU states: the determinant is zero")
	}
	return log, nil
}

func dense(x []float32, n int) *mat.Dense {
	d := mat.NewDense(n, len(x)/n, nil)
	for i, v := range x {
		d.Set(i/(len(x)/n), i%(len(x)/n), float64(v))
	}
	return d
}

// products is the sum of |w g| over the layers.
func (s *Sample) products(gradient []float32) (sum float64) {
	s.layers(func(e graphgen.Entry) {
		g := piece(gradient, e)
		for i, w := range piece(s.Weights, e) {
			sum += math.Abs(float64(w) * float64(g[i]))
		}
	})
	return sum
}

func synflow(s *Sample) (float64, error) {
	return finite("synflow", math.Log(s.products(s.Flow)))
}

func snip(s *Sample) (float64, error) { return finite("snip", s.products(s.Gradients[0])) }

func norm(x []float32) float64 {
	sum := 0.
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

func gradNorm(s *Sample) (sum float64, err error) {
	s.layers(func(e graphgen.Entry) { sum += norm(piece(s.Gradients[0], e)) })
	return finite("grad_norm", sum)
}

func l2Norm(s *Sample) (sum float64, err error) {
	s.layers(func(e graphgen.Entry) { sum += norm(piece(s.Weights, e)) })
	return finite("l2_norm", sum)
}

// zico leaves out weights whose gradient does not vary, and layers without any other.
func zico(s *Sample) (sum float64, err error) {
	n := len(s.Gradients)
	if n < 2 {
		return 0, fmt.Errorf("zico: the deviation of a gradient needs two batches, got %d", n)
	}
	over := make([]float64, n)
	s.layers(func(e graphgen.Entry) {
		layer := 0.
		for i := range e.Len() {
			mean := 0.
			for b, g := range s.Gradients {
				over[b] = float64(g[e.Offset+i])
				mean += math.Abs(over[b]) / float64(n)
			}
			if sd := stat.PopStdDev(over, nil); sd > 0 {
				layer += mean / sd
			}
		}
		if layer > 0 {
			sum += math.Log(layer)
		}
	})
	return finite("zico", sum)
}

// jacovEpsilon keeps the logarithm of an eigenvalue finite.
const jacovEpsilon = 1e-5

// jacov is -sum over eigenvalues v of log(v + k) + 1/(v + k).
func jacov(s *Sample) (float64, error) {
	j := dense(s.Jacobian, s.Batch)
	var corr mat.SymDense
	stat.CorrelationMatrix(&corr, j.T(), nil)
	var eig mat.EigenSym
	if slices.ContainsFunc(corr.RawSymmetric().Data, math.IsNaN) || !eig.Factorize(&corr, false) {
		return 0, fmt.Errorf("jacov: an image has no effect on the logits")
	}
	score := 0.
	for _, v := range eig.Values(nil) {
		v = max(v, 0) + jacovEpsilon // rounding may leave a small negative one
		score -= math.Log(v) + 1/v
	}
	return finite("jacov", score)
}

func finite(name string, x float64) (float64, error) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("%s: the score is %v", name, x)
	}
	return x, nil
}
