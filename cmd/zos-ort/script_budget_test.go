package main

import (
	"os"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/protobuf/proto"

	"zos-ort/graphgen/onnx"
)

// withinCommand is `within FILE WEIGHTS MACS`: an exported network has no more of either, and at least half of one. It
// counts from the nodes of the file alone.
func withinCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: within FILE WEIGHTS MACS")
	}
	b, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	var m onnx.ModelProto
	ts.Check(proto.Unmarshal(b, &m))
	weights, macs := countNodes(m.GetGraph())
	mostWeights, err := strconv.Atoi(args[1])
	ts.Check(err)
	mostMACs, err := strconv.Atoi(args[2])
	ts.Check(err)
	met := weights <= mostWeights && macs <= mostMACs
	ts.Logf("%d weights and %d multiply-accumulates", weights, macs)
	if met == neg {
		ts.Fatalf("%s has %d weights and %d multiply-accumulates", args[0], weights, macs)
	}
}

// countNodes adds up the weights of convolutions, batch norms (without running statistics) and linear layers, and
// multiplies them by the places at which they act.
func countNodes(g *onnx.GraphProto) (weights, macs int) {
	sizes := map[string]int{} // of constants
	for _, x := range g.GetInitializer() {
		sizes[x.GetName()] = 1
		for _, d := range x.GetDims() {
			sizes[x.GetName()] *= int(d)
		}
	}
	side := map[string]int{g.GetInput()[0].GetName(): int(g.GetInput()[0].GetType().GetTensorType().GetShape().GetDim()[2].GetDimValue())}
	for _, n := range g.GetNode() {
		in, out := n.GetInput(), n.GetOutput()[0]
		side[out] = side[in[0]]
		switch n.GetOpType() {
		case "Conv", "MaxPool", "AveragePool":
			side[out] = window(n, side[in[0]])
		case "Slice": // cuts off the first row and column
			side[out]--
		case "GlobalAveragePool":
			side[out] = 1
		}
		switch n.GetOpType() {
		case "Conv", "Gemm":
			weights += sizes[in[1]]
			macs += sizes[in[1]] * side[out] * side[out]
			if len(in) > 2 {
				weights += sizes[in[2]]
			}
		case "BatchNormalization":
			weights += sizes[in[1]] + sizes[in[2]]
		}
	}
	return weights, macs
}

// window is the side of what a node with a sliding window gives.
func window(n *onnx.NodeProto, side int) int {
	kernel, stride, dilation, pads := 1, 1, 1, 0
	for _, a := range n.GetAttribute() {
		list := a.GetInts()
		switch a.GetName() {
		case "kernel_shape":
			kernel = int(list[0])
		case "strides":
			stride = int(list[0])
		case "dilations":
			dilation = int(list[0])
		case "pads":
			pads = int(list[0] + list[2])
		}
	}
	return (side+pads-dilation*(kernel-1)-1)/stride + 1
}
