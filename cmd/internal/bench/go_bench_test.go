package bench

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/models/method"
	"zos-ort/ort"
	"zos-ort/ort/meter"
	"zos-ort/ort/program"
)

// Benchmarks of the networks of the papers' searches: 8 cells, 16 channels, 32x32 images, at batch
// 16 on ZOS_BENCH_THREADS threads (2). "onnx" is DARTS on ONNX Runtime's own kernels. For a look
// inside set ZOS_BENCH_PROFILE to a file prefix: sessions then write ONNX Runtime's trace. On a busy
// machine compare user-ms of one thread; with more, threads that wait count as well.

// goBench is a network of the Go benchmarks.
type goBench struct{ name, method, passes string }

var goBenches = []goBench{{"darts", "darts", settings.PassesAll}, {"pc-darts", "pc-darts", settings.PassesAll},
	{"zos", "zos", settings.PassesAll}, {"onnx", "darts", settings.PassesPortable}}

// open is the case of a network.
func (n goBench) open(tb testing.TB) Case {
	tb.Helper()
	e := settings.PaperOnCIFAR().With(check.Must(method.Find(n.method))(tb))
	e.Search.Batch, e.Execution.Passes = 16, n.passes
	return Case{e, check.Must(e.LikelyMask())(tb)}
}

// eachNet runs a benchmark for every network.
func eachNet(b *testing.B, f func(b *testing.B, n goBench)) {
	openRuntime(b)
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
			c := n.open(b)
			list := check.Must(c.Programs(settings.StageSearch, c.Mask))(b)
			b.ReportMetric(float64(len(list[0].Graph.Nodes)), "nodes")
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
		meter.Feed(r)
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
		for i, x := range timed {
			b.Run(x.name, func(b *testing.B) {
				p := check.Must(n.open(b).emit())(b)[i]
				o := ort.Options{Threads: benchThreads(b), Profile: os.Getenv("ZOS_BENCH_PROFILE")}
				net := openNet(b, p, o)
				defer net.Close()
				b.ReportAllocs()
				f(b, p, net)
			})
		}
	})
}

// openNet is the state of a program.
func openNet(b *testing.B, p *graphgen.Program, o ort.Options) *program.Net {
	v := program.Vectors{Weights: p.Weights.Initialize(rand.New(rand.NewPCG(1, 2)))}
	return check.Must(program.NewNet(program.Shape{Weights: p.Weights, Stats: p.Stats}, v, o))(b)
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

func openRuntime(tb testing.TB) {
	tb.Helper()
	if err := ort.Open(""); err != nil {
		tb.Skipf("no ONNX Runtime: %v", err)
	}
}
