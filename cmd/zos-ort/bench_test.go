package main

import (
	"math/rand/v2"
	"os"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/search"
)

// Benchmarks of the networks of the papers' searches: 8 cells, 16 channels, 32x32 images, at batch
// 16 on two threads. "onnx" is DARTS on ONNX Runtime's own kernels. For a look inside set
// ZOS_BENCH_PROFILE to a file prefix: the step benchmarks then write ONNX Runtime's trace.

type benchNet struct {
	name    string
	kernels bool
	partial int
	mask    space.Mask
}

func (n benchNet) spec() graphgen.Spec {
	net := supernet.Config{Channels: 16, Cells: 8, Classes: 10, Mask: n.mask, Partial: n.partial,
		Passes: supernet.AllPasses}
	return graphgen.Spec{Forward: net.Forward(), Batch: 16, Image: 32, Classes: 10,
		SGD: graphgen.PaperSGD, Share: true, Kernels: n.kernels}
}

func benchNets() []benchNet {
	half, _ := space.RandomMask(rand.New(rand.NewPCG(1, 1)), .5)
	full := space.FullMask()
	return []benchNet{{"darts", true, 1, full}, {"pc-darts", true, 4, full}, {"zos", true, 4, half},
		{"onnx", false, 1, full}}
}

// eachNet runs a benchmark for every network.
func eachNet(b *testing.B, f func(b *testing.B, n benchNet)) {
	needRuntime(b)
	for _, n := range benchNets() {
		b.Run(n.name, func(b *testing.B) {
			b.ReportAllocs()
			f(b, n)
		})
	}
}

func BenchmarkEmit(b *testing.B) {
	eachNet(b, func(b *testing.B, n benchNet) {
		for b.Loop() {
			p, err := n.spec().WeightStep()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(p.Graph.Nodes)), "nodes")
		}
	})
}

// emitters are the programs of which sessions are made and run.
var emitters = []struct {
	name string
	emit func(graphgen.Spec) (*graphgen.Program, error)
}{{"weight", graphgen.Spec.WeightStep}, {"alpha", graphgen.Spec.AlphaStep},
	{"rank", graphgen.Spec.Rank}}

// BenchmarkOpen is the creation of the session of a program.
func BenchmarkOpen(b *testing.B) {
	eachProgram(b, func(b *testing.B, p *graphgen.Program, net *program.Net) {
		for b.Loop() {
			r, err := net.Open(p)
			if err != nil {
				b.Fatal(err)
			}
			r.Close()
		}
	})
}

// BenchmarkStep is one run of a program.
func BenchmarkStep(b *testing.B) {
	eachProgram(b, func(b *testing.B, p *graphgen.Program, net *program.Net) {
		r, err := net.Open(p)
		if err != nil {
			b.Fatal(err)
		}
		defer r.Close()
		feed(r)
		for b.Loop() {
			if err := r.Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func eachProgram(b *testing.B, f func(*testing.B, *graphgen.Program, *program.Net)) {
	eachNet(b, func(b *testing.B, n benchNet) {
		for _, e := range emitters {
			b.Run(e.name, func(b *testing.B) {
				p, err := e.emit(n.spec())
				if err != nil {
					b.Fatal(err)
				}
				o := ort.Options{Threads: 2, Profile: os.Getenv("ZOS_BENCH_PROFILE")}
				shape := search.Programs{Weight: p}.Shape()
				v := program.Vectors{Weights: p.Weights.Initialize(rand.New(rand.NewPCG(1, 2)))}
				net, err := program.NewNet(shape, v, o)
				if err != nil {
					b.Fatal(err)
				}
				defer net.Close()
				b.ReportAllocs()
				f(b, p, net)
			})
		}
	})
}

// feed fills the inputs: noise for images, one over the number of operations of a row, roughly, for
// mixing weights.
func feed(r *program.Runner) {
	rng := rand.New(rand.NewPCG(1, 3))
	for _, p := range r.Program.Signature.Inputs {
		switch p.Role {
		case graphgen.Image:
			for i := range r.Float(p.Name) {
				r.Float(p.Name)[i] = float32(rng.NormFloat64())
			}
		case graphgen.MixWeight:
			for i := range r.Float(p.Name) {
				r.Float(p.Name)[i] = .125
			}
		case graphgen.Label:
			for i := range r.Int(p.Name) {
				r.Int(p.Name)[i] = int64(i % 10)
			}
		case graphgen.Rate:
			r.Float(p.Name)[0] = .01
		}
	}
}
