// Package port names the inputs and outputs of the programs. The names are in the ONNX files and
// the checkpoints; package graphgen gives the role of each.
package port

import "slices"

// State vectors. They stay in the runtime, which overwrites them in place.
const (
	Weights         = "weights"
	Momentum        = "momentum"
	RunningMean     = "running_mean"
	RunningVariance = "running_variance"
)

// Inputs that the host feeds at every step.
const (
	Images   = "images"
	Labels   = "labels"
	Rate     = "rate"
	DropPath = "drop_path"
	Noise    = "noise"
	Keep     = "keep"
)

// Outputs that the host reads.
const (
	Loss          = "loss"
	Correct       = "correct"
	Norm          = "norm"
	Logits        = "logits"
	Probabilities = "probabilities"
	Patterns      = "patterns"
)

// Image is the input of a deployed or fine-tuned network.
const Image = "image"

// ONNX Runtime's names for the input that resets the gradient sums, and, in a fine-tuning model,
// for a parameter's gradient buffer and update flag (orttraining/training_api/module.cc).
const (
	Reset      = "lazy_reset_grad"
	gradBuffer = "_grad.accumulation.buffer"
	gradFlag   = "_grad.accumulation.out"
)

// states are the state vectors in the order of the checkpoint.
var states = []string{Weights, Momentum, RunningMean, RunningVariance}

// IsState reports whether an input with this name is a state vector.
func IsState(name string) bool { return slices.Contains(states, name) }

// Gradient names the output with the gradient of the loss with respect to an input.
func Gradient(input string) string { return "grad/" + input }

// Updated names the output that reports that a state vector was overwritten.
func Updated(state string) string { return "updated/" + state }

// GradientBuffer names the input of a fine-tuning model that collects a parameter's gradient.
func GradientBuffer(parameter string) string { return parameter + gradBuffer }

// GradientFlag names the output of a fine-tuning model that reports that a parameter's buffer, or a
// running statistic, was overwritten. ONNX Runtime hides outputs with such names from callers of
// TrainStep.
func GradientFlag(parameter string) string { return parameter + gradFlag }
