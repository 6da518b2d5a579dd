package kernels_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/onnx"
	"zos-ort/graphgen/op"
	"zos-ort/ort"
	"zos-ort/ort/kernels"
)

// TestThreads runs every summing operator with 1, 2 and 3 threads: the bits must be the same.
func TestThreads(t *testing.T) {
	if err := ort.Open(""); errors.Is(err, ort.ErrNoRuntime) {
		t.Skip("ONNX Runtime is not installed; run make setup")
	} else if err != nil {
		t.Fatal(err)
	}
	domain, err := kernels.NewDomain()
	if err != nil {
		t.Fatal(err)
	}
	defer domain.Close()
	model, inputs := sums(t)
	var want map[string][]float32
	for _, threads := range []int{1, 2, 3} {
		got := outputs(t, model, inputs, ort.Options{Threads: threads, Domains: []*ort.Domain{domain}})
		if want == nil {
			want = got
		}
		for name, w := range want {
			if !slices.Equal(got[name], w) {
				t.Errorf("output %s is another one with %d threads", name, threads)
			}
		}
	}
}

// sums makes a model of the operators whose results are sums over the batch, and its inputs.
func sums(t *testing.T) ([]byte, map[string]*ort.Tensor) {
	t.Helper()
	g := ir.New("sums")
	x := g.Input("x", ir.T(ir.Float, 7, 12, 31, 33))
	w, v := g.Input("w", ir.T(ir.Float, 10, 12)), g.Input("v", ir.T(ir.Float, 12*25))
	number := g.Input("number", ir.T(ir.Float, 1))
	unit := op.ReluConvNorm{Kernel: 5, Stride: 1, Pad: 4, Dilation: 2, Epsilon: 1e-5}
	y := unit.Of(x, w, v, number, nil, nil)
	n := op.Normalize{Epsilon: 1e-5}.Of(x, number, nil, nil)
	results := append(append([]*ir.Value{}, y...), n...)
	results = append(results, g.Add(op.ReluConvNormGrad{Unit: unit}, y[0], x, y[1], y[2], w, v,
		number, x)...)
	whole := g.Input("whole", ir.T(ir.Float, 7, 12, 16, 16)) // rows of whole vectors
	z := unit.Of(whole, w, v, number, nil, nil)
	results = append(results, g.Add(op.ReluConvNormGrad{Unit: unit}, z[0], whole, z[1], z[2], w, v, number, whole)...)
	small := g.Input("small", ir.T(ir.Float, 70, 12, 4, 4)) // several to a task
	s := unit.Of(small, w, v, number, nil, nil)
	results = append(results, g.Add(op.ReluConvNormGrad{Unit: unit}, s[0], small, s[1], s[2], w, v, number, small)...)
	norm := op.NormalizeGrad{Epsilon: 1e-5}
	results = append(results, g.Add(norm, x, n[0], n[1], n[2], number, x)...)
	c := op.DepthwiseConv{Kernel: 5, Stride: 1, Pad: 2, Dilation: 1}
	results = append(results, op.DepthwiseGradWeight{Conv: c}.Of(n[0], x), op.Dot{}.Of(n[0], x))
	for i, r := range results {
		g.Output(fmt.Sprint("y", i), r)
	}
	m, err := onnx.Model(g, onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	model, err := onnx.Bytes(m)
	if err != nil {
		t.Fatal(err)
	}
	rng, inputs := rand.New(rand.NewPCG(1, 2)), map[string]*ort.Tensor{}
	for _, in := range g.Inputs {
		data := make([]float32, in.Elements())
		for i := range data {
			data[i] = float32(rng.NormFloat64())
		}
		if inputs[in.Name], err = ort.Of(data, in.Shape...); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(inputs[in.Name].Close)
	}
	return model, inputs
}

func outputs(t *testing.T, model []byte, in map[string]*ort.Tensor,
	o ort.Options) map[string][]float32 {
	t.Helper()
	s, err := ort.NewInference(model, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	data := map[string][]float32{}
	for name, v := range out {
		data[name] = slices.Clone(v.Float32())
		v.Close()
	}
	return data
}
