// Package ort runs ONNX programs with ONNX Runtime 1.28: training sessions over a shared state, and
// inference sessions. It is the only package that uses cgo. It deals in bytes, names and tensors,
// and knows nothing of neural nets.
//
// # Ownership
//
// The maker closes everything that it makes with this package, in any order, any number of times:
//
//   - Open and Close bracket everything; Close refuses while anything below is open.
//   - A Tensor owns its memory (or the output that ONNX Runtime allocated). A Step that is bound
//     to a tensor keeps the memory alive, but refuses to run once the tensor is closed.
//   - A State owns the checkpoint state of ONNX Runtime and the Trainers made from it. A Trainer
//     owns its session and the Steps bound to it; an Inference owns the same. Closing an owner
//     closes what it owns. No finalizer does any work.
//   - A Resident is a State in the memory of a GPU, for programs that run as CUDA graphs: its
//     Replays.
//   - A Domain is kept alive by the sessions that were made with it.
//
// Using something closed is an error (ErrClosed), never a crash. All methods may be called from
// several goroutines: the steps of a State run one after the other, because they write it.
//
// # Programs
//
// A program for a Trainer is an ONNX model in which a graph input named like a parameter of the
// State is that parameter; all other inputs, in order, are the program's inputs. The program
// overwrites a parameter with com.microsoft.InPlaceAccumulatorV2(parameter, value, true), whose
// flag output is a graph output (or gathered by com.microsoft.Group). It also declares a boolean
// input lazy_reset_grad, which ONNX Runtime's TrainStep always feeds.
//
// A FineTuner runs the models of ONNX Runtime's on-device training instead. An optimizer of ONNX
// Runtime updates their parameters; see Artifacts.
package ort
