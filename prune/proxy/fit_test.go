package proxy_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"zos-ort/graphgen/check"
	"zos-ort/prune/proxy"
)

// fitted scores logits[n][d] with labels.
func fitted(t *testing.T, logits []float32, d int, labels ...int64) (float64, error) {
	p := check.Must(proxy.Find("nngp_fit"))(t)
	return p.Score(&proxy.Sample{Classes: d, Logits: [][]float32{logits}, Labels: labels})
}

// The score is the one of predictions that really leave an image out, refitted one by one.
func TestFitLeavesImagesOut(t *testing.T) {
	const n, d = 12, 5
	rng := rand.New(rand.NewPCG(4, 1))
	var logits []float32
	var labels []int64
	for i := range n {
		labels = append(labels, int64(i%3))
		for j := range d {
			logits = append(logits, float32(rng.NormFloat64()+float64((i%3)*j)/2))
		}
	}
	x := mat.NewDense(n, d, nil)
	for j := range d {
		mean := 0.
		for i := range n {
			mean += float64(logits[i*d+j]) / n
		}
		for i := range n {
			x.Set(i, j, float64(logits[i*d+j])-mean)
		}
	}
	var k mat.Dense
	k.Mul(x, x.T())
	diagonal := mat.Trace(&k) / n
	least := math.Inf(1)
	for _, r := range []float64{1e-3, 1e-2, .1, 1, 10} {
		least = min(least, refitted(&k, diagonal, r*diagonal, labels))
	}
	variance := 0.
	for i := range n {
		for c := range int64(3) {
			y, mean := indicator(labels[i] == c), 0.
			for j := range n {
				if j != i {
					mean += indicator(labels[j] == c) / (n - 1)
				}
			}
			variance += (y - mean) * (y - mean) / n
		}
	}
	got := check.Must(fitted(t, logits, d, labels...))(t)
	check.Close(t, "score", []float64{got}, []float64{variance / least}, 0, 1e-9)
	if got < 1.2 {
		t.Errorf("labels that the logits contain have a score of %v", got)
	}
}

// refitted is the mean squared error of predictions of every image by a regression on the others.
func refitted(k *mat.Dense, constant, ridge float64, labels []int64) (sum float64) {
	n := len(labels)
	for left := range n {
		var rows []int
		for i := range n {
			if i != left {
				rows = append(rows, i)
			}
		}
		a, b := mat.NewDense(n-1, n-1, nil), mat.NewVecDense(n-1, nil)
		for i, r := range rows {
			for j, c := range rows {
				a.Set(i, j, k.At(r, c)+constant)
			}
			a.Set(i, i, a.At(i, i)+ridge)
			b.SetVec(i, k.At(left, r)+constant)
		}
		var w mat.VecDense
		if err := w.SolveVec(a, b); err != nil {
			panic(err)
		}
		for c := range int64(3) {
			y := indicator(labels[left] == c)
			for i, r := range rows {
				y -= w.AtVec(i) * indicator(labels[r] == c)
			}
			sum += y * y / float64(n)
		}
	}
	return sum
}

func indicator(x bool) float64 {
	if x {
		return 1
	}
	return 0
}

func TestFitRefusesWhatSaysNothing(t *testing.T) {
	_, err := fitted(t, make([]float32, 12), 3, 0, 1, 0, 1)
	check.Error(t, err, "nngp_fit: the logits of all images are equal")
	_, err = fitted(t, []float32{1, 2, 3, 4}, 2, 0, 1)
	check.Error(t, err, "nngp_fit: a prediction needs 3 images, got 2")
}
