package main

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"zos-ort/graphgen"
	"zos-ort/models/method"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/search"
)

// Benchmarks of the networks of the papers' searches: 8 cells, 16 channels, 32x32 images, at batch
// 16 on ZOS_BENCH_THREADS threads (2). "onnx" is DARTS on ONNX Runtime's own kernels. For a look
// inside set ZOS_BENCH_PROFILE to a file prefix: sessions then write ONNX Runtime's trace. On a busy
// machine compare user-ms of one thread; with more, threads that wait count as well.

// goBench is a network of the Go benchmarks.
type goBench struct{ name, method, passes string }

var goBenches = []goBench{{"darts", "darts", passesAll}, {"pc-darts", "pc-darts", passesAll},
	{"zos", "zos", passesAll}, {"onnx", "darts", passesPortable}}

func (n goBench) spec(tb testing.TB) graphgen.Spec {
	m, err := method.Find(n.method)
	if err != nil {
		tb.Fatal(err)
	}
	cfg := memoryConfig{Batch: 16, Channels: 16, Cells: 8, Image: 32, Passes: n.passes, Xi: .5,
		Masks: 1, Seed: 1}
	return cfg.spec(m, cfg.masksOf(m)[0])
}

// eachNet runs a benchmark for every network.
func eachNet(b *testing.B, f func(b *testing.B, n goBench)) {
	needRuntime(b)
	for _, n := range goBenches {
		b.Run(n.name, func(b *testing.B) {
			b.ReportAllocs()
			f(b, n)
		})
	}
}

// BenchmarkEmit makes the programs of a search.
func BenchmarkEmit(b *testing.B) {
	eachNet(b, func(b *testing.B, n goBench) {
		for b.Loop() {
			p, err := search.Emit(n.spec(b))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(p.Weight.Graph.Nodes)), "nodes")
		}
	})
}

// BenchmarkOpen is the creation of the session of a program.
func BenchmarkOpen(b *testing.B) {
	eachProgram(b, func(b *testing.B, p *graphgen.Program, net *program.Net) {
		var each []time.Duration
		before := usage(b)
		for b.Loop() {
			start := time.Now()
			r, err := net.Open(p)
			if err != nil {
				b.Fatal(err)
			}
			r.Close()
			each = append(each, time.Since(start))
		}
		reportUsage(b, before, each)
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
		if err := r.Run(); err != nil { // the first run touches all memory for the first time
			b.Fatal(err)
		}
		var each []time.Duration
		before := usage(b)
		for b.Loop() {
			start := time.Now()
			if err := r.Run(); err != nil {
				b.Fatal(err)
			}
			each = append(each, time.Since(start))
		}
		reportUsage(b, before, each)
	})
}

func usage(b *testing.B) (u syscall.Rusage) {
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u
}

// reportUsage adds what tells a slow program from a busy machine: the fastest run, and processor time in
// the program and in the kernel and page faults per run.
func reportUsage(b *testing.B, before syscall.Rusage, each []time.Duration) {
	after, n := usage(b), float64(len(each))
	b.ReportMetric(float64(slices.Min(each).Milliseconds()), "min-ms")
	ms := func(t, from syscall.Timeval) float64 { return float64(t.Nano()-from.Nano()) / 1e6 / n }
	b.ReportMetric(ms(after.Utime, before.Utime), "user-ms/op")
	b.ReportMetric(ms(after.Stime, before.Stime), "system-ms/op")
	b.ReportMetric(float64(after.Minflt-before.Minflt)/n, "faults/op")
}

func eachProgram(b *testing.B, f func(*testing.B, *graphgen.Program, *program.Net)) {
	eachNet(b, func(b *testing.B, n goBench) {
		for _, e := range benchPrograms {
			b.Run(e.name, func(b *testing.B) {
				p, err := e.emit(n.spec(b))
				if err != nil {
					b.Fatal(err)
				}
				o := ort.Options{Threads: benchThreads(b), Profile: os.Getenv("ZOS_BENCH_PROFILE")}
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

func benchThreads(b *testing.B) int {
	v := os.Getenv("ZOS_BENCH_THREADS")
	if v == "" {
		return 2
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		b.Fatalf("ZOS_BENCH_THREADS: %v", err)
	}
	return n
}
