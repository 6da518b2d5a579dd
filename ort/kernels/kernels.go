// Package kernels holds our own CPU kernels, as the operators of ONNX Runtime's domain "zos"
// (ir.Zos). They exist because ONNX Runtime computes depthwise convolutions as one matrix product
// per group, which for the planes of a DARTS cell is 17 to 43 times slower than computing them
// directly.
//
// The kernels use vectors of the processor that they run on (AVX-512, AVX2, else 4 floats: SSE2 or
// NEON), ONNX Runtime's thread pool, and sum in an order that does not depend on the number of
// threads: the same inputs give the same bits. The environment variable ZOS_KERNELS (portable or
// avx2) holds the vectors down.
package kernels

// #cgo CFLAGS: -O3 -Wall -Wextra
// #include "op.h"
// extern const op_def zos_depthwise_conv, zos_depthwise_grad_input, zos_depthwise_grad_weight;
import "C"

import (
	"unsafe"

	"zos-ort/ort"
)

// Name of the domain.
const Name = "zos"

// NewDomain makes the domain, for Options.Domains. Close it when no more sessions are to be made.
func NewDomain() (*ort.Domain, error) {
	return ort.NewDomain(Name,
		unsafe.Pointer(&C.zos_depthwise_conv),
		unsafe.Pointer(&C.zos_depthwise_grad_input),
		unsafe.Pointer(&C.zos_depthwise_grad_weight))
}
