package cost

import (
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// Speed is what a runtime reaches in the operators of a training step. Only ratios of times are
// meant: they say how much longer a step takes that computes some of its nodes twice.
type Speed struct {
	Flops   float64 // operations a second in convolutions and products
	Grouped float64 // the same in convolutions of single channels
	Pools   float64 // the same in pools
	Bytes   float64 // bytes a second of tensors that are read and written
}

// Speeds as measured by zos-ort bench --profile on two cores with AVX2, DARTS at batch 8 and 16
// (2026-11-28). Those of a GPU are of its data sheet (H100: 60 TFLOP/s, 3 TB/s): elementwise
// operators take as long as convolutions there.
var (
	Kernels  = Speed{Flops: 2e10, Grouped: 2e10, Pools: 3e9, Bytes: 9e9}
	Portable = Speed{Flops: 2e10, Grouped: 1.5e9, Pools: 1e9, Bytes: 6e9}
	GPU      = Speed{Flops: 2e13, Grouped: 2e12, Pools: 2e12, Bytes: 2e12}
)

// Time is how long a node takes, in seconds: for its operations or for its bytes, whichever takes
// longer.
func (s Speed) Time(n *ir.Node) float64 {
	w := Of(n)
	return max(w.Flops/s.rate(n), w.Bytes/s.Bytes)
}

// rate is the operations a second of the kind of node.
func (s Speed) rate(n *ir.Node) float64 {
	switch o := n.Op.(type) {
	case op.Conv:
		return s.convolution(o)
	case op.ConvGrad:
		return s.convolution(o.Conv)
	case op.MaxPool, op.AveragePool, op.DirectMaxPool, op.DirectAveragePool, op.DirectMaxPoolGrad,
		op.AveragePoolGrad, op.DirectAveragePoolGrad:
		return s.Pools
	}
	return s.Flops
}

func (s Speed) convolution(o op.Conv) float64 {
	if o.Group > 1 {
		return s.Grouped
	}
	return s.Flops
}
