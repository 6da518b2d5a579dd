// Package conformance holds tests alone: it compares what the program computes with independent judges, the
// float64 references of an oracle, the CPU for a GPU, and the stand-in for CUDA.
package conformance
