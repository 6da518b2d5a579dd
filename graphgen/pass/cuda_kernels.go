package pass

import (
	"fmt"
	"slices"
	"strings"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// CUDAKernel is an operator that ONNX Runtime 1.28 has for the CUDA provider.
type CUDAKernel struct {
	Domain, Name string
	// Types are the registered element types of the first input, among those that our graphs
	// use; none means that the kernel takes all types.
	Types []ir.DType
	// Host lists the inputs that the kernel reads in host memory. They must be constants, or
	// the device would wait for a copy in every step.
	Host []int
	// Registered is the name of the registration in the runtime's source and symbol table,
	// without the prefix kCudaExecutionProvider_ and, if there are Types, without the type of
	// the first input.
	Registered string
}

var (
	floats  = []ir.DType{ir.Float}
	both    = []ir.DType{ir.Float, ir.BFloat16}
	sums    = []ir.DType{ir.Float, ir.Int32}
	indices = []ir.DType{ir.Int64}
	casts   = []ir.DType{ir.Bool, ir.Int64, ir.Int32, ir.Int8, ir.Float, ir.BFloat16}
)

// CUDAKernels lists the operators that a CUDA program may use. The sources are
// onnxruntime/core/providers/cuda/cuda_execution_provider.cc for the standard operators of opset
// 17, orttraining/orttraining/training_ops/cuda/cuda_training_kernels.cc for com.microsoft and the
// loss, and the file of the kernel for the inputs in host memory. A test compares the table with
// the symbols of the library that make setup-cuda fetches; other tests run programs on it. The
// provider has no MaxPoolGrad and no AveragePoolGrad: the pass plain pools replaces them. It has a
// bfloat16 Conv, but ONNX allows none before opset 22, for which the provider has no MaxPool.
var CUDAKernels = []CUDAKernel{
	{ir.Onnx, "Add", sums, nil, "Add_kOnnxDomain_ver14"},
	{ir.Onnx, "ArgMax", floats, nil, "ArgMax_kOnnxDomain_ver13"},
	{ir.Onnx, "AveragePool", floats, nil, "AveragePool_kOnnxDomain_ver11_18"},
	{ir.Onnx, "BatchNormalization", floats, nil, "BatchNormalization_kOnnxDomain_ver15"},
	{ir.Onnx, "Cast", casts, nil, "Cast_kOnnxDomain_ver13_18"},
	{ir.Onnx, "Concat", nil, nil, "Concat_kOnnxDomain_ver13"},
	{ir.Onnx, "Conv", floats, nil, "Conv_kOnnxDomain_ver11_21"},
	{ir.Onnx, "ConvTranspose", floats, nil, "ConvTranspose_kOnnxDomain_ver11_21"},
	{ir.Onnx, "Div", floats, nil, "Div_kOnnxDomain_ver14"},
	{ir.Onnx, "Equal", indices, nil, "Equal_kOnnxDomain_ver13_18"},
	{ir.Onnx, "Expand", nil, []int{1}, "Expand_kOnnxDomain_ver13"},
	{ir.Onnx, "Flatten", nil, nil, "Flatten_kOnnxDomain_ver13_20"},
	{ir.Onnx, "Gemm", floats, nil, "Gemm_kOnnxDomain_ver13"},
	{ir.Onnx, "GlobalAveragePool", floats, nil, "GlobalAveragePool_kOnnxDomain_ver1_21"},
	{ir.Onnx, "MatMul", both, nil, "MatMul_kOnnxDomain_ver13"},
	{ir.Onnx, "Max", nil, nil, "Max_kOnnxDomain_ver13"},
	{ir.Onnx, "MaxPool", floats, nil, "MaxPool_kOnnxDomain_ver12"},
	{ir.Onnx, "Mul", floats, nil, "Mul_kOnnxDomain_ver14"},
	{ir.Onnx, "Pad", floats, []int{1}, "Pad_kOnnxDomain_ver13_17"},
	{ir.Onnx, "ReduceSum", floats, []int{1}, "ReduceSum_kOnnxDomain_ver13"},
	{ir.Onnx, "ReduceSumSquare", floats, nil, "ReduceSumSquare_kOnnxDomain_ver1_17"},
	{ir.Onnx, "Relu", both, nil, "Relu_kOnnxDomain_ver14"},
	{ir.Onnx, "Reshape", nil, []int{1}, "Reshape_kOnnxDomain_ver14_18"},
	{ir.Onnx, "Sigmoid", floats, nil, "Sigmoid_kOnnxDomain_ver13"},
	{ir.Onnx, "Slice", nil, []int{1, 2, 3}, "Slice_kOnnxDomain_ver13_int64_t"},
	{ir.Onnx, "SoftmaxCrossEntropyLoss", floats, nil,
		"SoftmaxCrossEntropyLoss_kOnnxDomain_ver13"},
	{ir.Onnx, "Split", nil, []int{1}, "Split_kOnnxDomain_ver13_17"},
	{ir.Onnx, "Sqrt", floats, nil, "Sqrt_kOnnxDomain_ver13"},
	{ir.Onnx, "Sub", sums, nil, "Sub_kOnnxDomain_ver14"},
	{ir.Onnx, "Transpose", nil, nil, "Transpose_kOnnxDomain_ver13_20"},
	{ir.Microsoft, "BatchNormInternal", floats, nil, "BatchNormInternal_kMSDomain_ver1"},
	{ir.Microsoft, "BatchNormalizationGrad", floats, nil, "BatchNormalizationGrad_kMSDomain_ver1"},
	{ir.Microsoft, "ConvGrad", floats, nil, "ConvGrad_kMSDomain_ver1"},
	{ir.Microsoft, "GatherElementsGrad", nil, []int{1}, "GatherElementsGrad_kMSDomain_ver1"},
	{ir.Microsoft, "InPlaceAccumulatorV2", floats, []int{2}, "InPlaceAccumulatorV2_kMSDomain_ver1"},
	{ir.Microsoft, "PassThrough", nil, nil, "PassThrough_kMSDomain_ver1"},
	{ir.Microsoft, "ReluGrad", floats, nil, "ReluGrad_kMSDomain_ver1"},
	{ir.Microsoft, "SoftmaxCrossEntropyLossInternalGrad", floats, nil,
		"SoftmaxCrossEntropyLossInternalGrad_kMSDomain_ver1"},
}

// CheckCUDA reports the first node that lacks a CUDA kernel or would make the device wait for the
// host.
func CheckCUDA(g *ir.Graph) error {
	for _, n := range g.Nodes {
		if err := checkCUDA(n); err != nil {
			return err
		}
	}
	return nil
}

func checkCUDA(n *ir.Node) error {
	if _, ours := n.Op.(op.Device); ours {
		return nil
	}
	domain, name := n.Op.OpType()
	at := slices.IndexFunc(CUDAKernels, func(k CUDAKernel) bool {
		return k.Domain == domain && k.Name == name
	})
	if at < 0 {
		full := strings.TrimPrefix(domain+"."+name, ".")
		return fmt.Errorf("cuda: no kernel for %s (%s)", full, n.Scope)
	}
	k, t := CUDAKernels[at], n.In[0].DType
	if len(k.Types) > 0 && !slices.Contains(k.Types, t) {
		return fmt.Errorf("cuda: no kernel for %s of %v (%s)", name, t, n.Scope)
	}
	for _, i := range k.Host {
		if n.In[i].Const == nil {
			return fmt.Errorf("cuda: input %d of %s is read by the host and must be constant (%s)", i, name,
				n.Scope)
		}
	}
	return nil
}
