package op

import "zos-ort/graphgen/ir"

// Images lists those inputs of an operator of ours, or of a sum, that are images if its first result is one or is
// made of them. It is nil for others.
func Images(o ir.Op) []int {
	switch o := o.(type) {
	case Add, Dot:
		return []int{0, 1}
	case DirectMaxPool, DirectAveragePool:
		return []int{0}
	case Scaled, Normalize, ReluConvNorm, DirectAveragePoolGrad:
		return withAddend(o, 0)
	case NormalizeGrad, ReluConvNormGrad, DirectMaxPoolGrad:
		return withAddend(o, 0, 1)
	}
	return nil
}

func withAddend(o ir.Op, images ...int) []int {
	at := o.(Accumulator).Addend()
	return append(images, at, at+1)
}
