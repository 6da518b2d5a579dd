// Package kernels holds our own CPU kernels, as the operators of ONNX Runtime's domain "zos"
// (ir.Zos; graphgen/op describes each). ONNX Runtime computes a depthwise convolution as one matrix
// product per channel, which takes ten or more times as long as computing it directly. It also
// writes every intermediate result of a cell to memory and reads it again; a unit of ReLU,
// convolutions and batch norm in one operator keeps them in the cache.
//
// The kernels use the vectors of the processor (AVX-512, AVX2, else 4 floats: SSE2 or NEON) and
// ONNX Runtime's thread pool. They sum in an order that does not depend on the number of threads:
// the same inputs give the same bits. The environment variable ZOS_KERNELS (portable or avx2)
// limits the vectors.
//
// The C files: op.* is the interface to ONNX Runtime. The loops are in *_template.h; vectors_*.c
// compile them for each instruction set, and choose.c chooses one. The rest are the operators. They
// must not use arrays of variable size: the compiler would keep them in memory where registers are
// meant.
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

// Name is the name of the domain.
const Name = "zos"

// NewDomain makes the domain, for Options.Domains. Close it when no more sessions need it.
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
