package pass

import (
	"fmt"
	"slices"
	"strings"
)

// Lowering says for which runtime a program is made, and with which rewrites. All rewrites are
// exact except bfloat16, which rounds.
type Lowering struct {
	Target    Target
	Passes    Set
	Recompute Recompute
	// Unfused lists fusions that our kernels leave out, to measure what each one saves.
	Unfused Fusions
}

// Target is what runs a program.
type Target uint8

// Targets.
const (
	// Portable programs use operators of every training build of ONNX Runtime.
	Portable Target = iota
	// CPUKernels programs use operators of package ort/kernels, which only sessions that know
	// its domain run.
	CPUKernels
	// CUDA programs use operators that the CUDA provider has; they run on the CPU too.
	CUDA
	// CUDABFloat16 programs also keep activations in half the bytes, with 8 significant bits.
	CUDABFloat16
	// CUDAOwn programs use the operators of package ort/kernels on a GPU.
	CUDAOwn
	// CUDAOwnBFloat16 programs also keep the images of these operators in half the bytes.
	CUDAOwnBFloat16
)

// targetNames are the names of the targets.
var targetNames = [...]string{Portable: "portable", CPUKernels: "kernels", CUDA: "cuda",
	CUDABFloat16: "cuda-bfloat16", CUDAOwn: "cuda-own", CUDAOwnBFloat16: "cuda-own-bfloat16"}

func (t Target) String() string { return targetNames[t] }

// OnGPU reports whether the target is the CUDA provider.
func (t Target) OnGPU() bool { return t == CUDA || t == CUDABFloat16 || t.ownOnGPU() }

// OwnKernels reports whether programs use the operators of package ort/kernels.
func (t Target) OwnKernels() bool { return t == CPUKernels || t.ownOnGPU() }

func (t Target) ownOnGPU() bool { return t == CUDAOwn || t == CUDAOwnBFloat16 }

// Stock is the target of the same device and precision without the operators of package ort/kernels.
func (t Target) Stock() Target {
	switch t {
	case CPUKernels:
		return Portable
	case CUDAOwn:
		return CUDA
	case CUDAOwnBFloat16:
		return CUDABFloat16
	}
	return t
}

// Set is a set of rewrites.
type Set uint16

// Rewrites, each a member of a Set. The construction of a supernet applies Pools, Mix and Shuffle.
// The graph applies Share as it grows. The passes of this package apply the others.
const (
	// Share merges equal operations (common subexpressions of the whole graph).
	Share Set = 1 << iota
	// Pools computes a pool and its batch norm once per state and stride, not once per edge.
	Pools
	// Mix uses the mixing weight of an operation as the scale of its last batch norm.
	Mix
	// Shuffle adds up the mixed and the bypassed channels of all edges of a node first. It then
	// joins and shuffles them once per node, not once per edge.
	Shuffle
	// Reduce computes a factorised reduction with one convolution.
	Reduce
	// Indices keeps the max pool indices for the backward pass in one byte each.
	Indices

	// None is the empty set, All the full one.
	None Set = 0
	All      = Indices<<1 - 1
)

// names are the members of a Set from the lowest bit up.
var names = []string{"share", "pools", "mix", "shuffle", "reduce", "indices"}

// Names lists all rewrites in order.
func Names() []string { return slices.Clone(names) }

// Has reports whether the set contains all of q.
func (p Set) Has(q Set) bool { return p&q == q }

// String lists the names, separated by commas, or returns "none".
func (p Set) String() string {
	var list []string
	for i, name := range names {
		if p.Has(1 << i) {
			list = append(list, name)
		}
	}
	if list == nil {
		return "none"
	}
	return strings.Join(list, ",")
}

// Parse reads names of rewrites.
func Parse(list ...string) (p Set, err error) {
	for _, name := range list {
		i := slices.Index(names, name)
		if i < 0 {
			return 0, fmt.Errorf("unknown pass %q: use some of %s", name, strings.Join(names, ", "))
		}
		p |= 1 << i
	}
	return p, nil
}
