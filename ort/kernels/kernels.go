// Package kernels holds our own CPU kernels, as the operators of ONNX Runtime's domain "zos"
// (ir.Zos; graphgen/op describes each). ONNX Runtime computes a depthwise convolution as one matrix
// product per channel, which takes ten and more times as long as computing it directly; and it
// writes every intermediate result of a cell to memory and reads it again, where a unit of ReLU,
// convolutions and batch norm in one operator keeps them in the cache.
//
// The kernels use vectors of the processor that they run on (AVX-512, AVX2, else 4 floats: SSE2 or
// NEON) and ONNX Runtime's thread pool, and sum in an order that does not depend on the number of
// threads: the same inputs give the same bits. The environment variable ZOS_KERNELS (portable or
// avx2) holds the vectors down.
//
// The C files: op.* is the interface to ONNX Runtime; *_template.h are the loops, which vectors_*.c
// compile for each instruction set and choose.c chooses from; the rest are the operators. Nothing
// in them may be an array of variable size: it would stay in memory where registers are meant.
package kernels

// #cgo CFLAGS: -O3 -Wall -Wextra
// #cgo LDFLAGS: -lm
// #include "op.h"
// extern const op_def zos_depthwise_conv, zos_depthwise_grad_input, zos_depthwise_grad_weight,
//     zos_relu_conv_norm, zos_relu_conv_norm_grad, zos_normalize, zos_normalize_grad,
//     zos_max_pool, zos_max_pool_grad, zos_average_pool, zos_average_pool_grad, zos_scaled,
//     zos_dot;
import "C"

import (
	"unsafe"

	"zos-ort/ort"
)

// Name of the domain.
const Name = "zos"

// NewDomain makes the domain, for Options.Domains. Close it when no more sessions are to be made.
func NewDomain() (*ort.Domain, error) {
	var ops []unsafe.Pointer
	for _, op := range []*C.op_def{&C.zos_depthwise_conv, &C.zos_depthwise_grad_input,
		&C.zos_depthwise_grad_weight, &C.zos_relu_conv_norm, &C.zos_relu_conv_norm_grad,
		&C.zos_normalize, &C.zos_normalize_grad, &C.zos_max_pool, &C.zos_max_pool_grad,
		&C.zos_average_pool, &C.zos_average_pool_grad, &C.zos_scaled, &C.zos_dot} {
		ops = append(ops, unsafe.Pointer(op))
	}
	return ort.NewDomain(Name, ops...)
}
