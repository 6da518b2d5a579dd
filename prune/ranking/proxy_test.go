package ranking_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/pass"
	"zos-ort/graphgen/port"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/prune/proxy"
	"zos-ort/prune/ranking"
)

const (
	batch   = 5
	side    = 8
	classes = 4
)

func config(t *testing.T) network.Config {
	return network.Config{Genotype: check.Must(space.Named("PC_DARTS_cifar"))(t), Channels: 2, Cells: 3, Classes: classes}
}

func batches(n int) (list []ranking.Batch) {
	for b := range n {
		rng := rand.New(rand.NewPCG(uint64(b), 7))
		x := ranking.Batch{}
		for range batch * 3 * side * side {
			x.Images = append(x.Images, float32(rng.NormFloat64()))
		}
		for i := range batch {
			x.Labels = append(x.Labels, int64((i+b)%classes))
		}
		list = append(list, x)
	}
	return list
}

func weights(l graphgen.Layout) []float32 { return l.Initialize(rand.New(rand.NewPCG(3, 1))) }

func proxyScores(t *testing.T, names string) map[string]float64 {
	t.Helper()
	if err := ort.Open(""); errors.Is(err, ort.ErrNoRuntime) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	list, _, err := proxy.ParseWeighted(names)
	if err != nil {
		t.Fatal(err)
	}
	n := ranking.Network{Spec: config(t).Spec(batch, side, pass.Lowering{Target: pass.CPUKernels, Passes: pass.All}),
		Weights: weights, Batches: batches(3), Options: ort.Options{Threads: 1}}
	got := check.Must(ranking.Scores(t.Context(), n, list))(t)
	by := map[string]float64{}
	for i, p := range list {
		by[p.Name] = got[i]
	}
	return by
}

// evaluated runs a program on the float64 evaluator.
func evaluated(t *testing.T, emit func(graphgen.Spec) (*graphgen.Program, error), b ranking.Batch,
	change func(w float64) float64) (map[string]*eval.Tensor, *graphgen.Program, []float64) {
	t.Helper()
	p := check.Must(emit(config(t).Spec(batch, side, pass.Lowering{Passes: pass.None})))(t)
	float := func(x []float32, shape ...int) *eval.Tensor {
		y := make([]float64, len(x))
		for i, v := range x {
			y[i] = float64(v)
		}
		return eval.Floats(y, shape...)
	}
	w := float(weights(p.Weights), p.Weights.Len())
	for i := range w.F {
		w.F[i] = change(w.F[i])
	}
	all := map[string]*eval.Tensor{port.Images: float(b.Images, batch, 3, side, side),
		port.Labels: eval.Ints(b.Labels, batch), port.Weights: w, port.Reset: eval.Bools([]bool{true}, 1),
		port.RunningMean:     eval.Floats(make([]float64, p.Stats.Len()), p.Stats.Len()),
		port.RunningVariance: eval.Floats(make([]float64, p.Stats.Len()), p.Stats.Len())}
	in := map[string]*eval.Tensor{}
	for _, v := range p.Graph.Inputs {
		in[v.Name] = all[v.Name]
	}
	return check.Must(eval.Run(p.Graph, in))(t), p, w.F
}

func same(w float64) float64 { return w }

// layer says whether a tensor is the weight of a convolution or of the classifier.
func layer(e graphgen.Entry) bool {
	return strings.HasSuffix(e.Name, "weight") && !strings.Contains(e.Name, "/bn/")
}

func near(t *testing.T, name string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-4*max(1, math.Abs(want))) {
		t.Errorf("%s is %v, want %v", name, got, want)
	}
}

// The proxies of gradients and weights agree with sums over the float64 evaluator's gradients.
func TestGradientProxies(t *testing.T) {
	got := proxyScores(t, "snip,grad_norm,zico,synflow,l2_norm,params")
	var grads [][]float64
	var p *graphgen.Program
	var w []float64
	for _, b := range batches(3) {
		var out map[string]*eval.Tensor
		out, p, w = evaluated(t, graphgen.Spec.Saliency, b, same)
		grads = append(grads, out["grad/weights"].F)
	}
	ones := batches(1)[0]
	for i := range ones.Images {
		ones.Images[i] = 1
	}
	out, _, positive := evaluated(t, graphgen.Spec.Flow, ones, math.Abs)
	flow := out["grad/weights"].F
	var snip, norms, zico, synflow, l2 float64
	layers := 0
	for _, e := range p.Weights {
		if !layer(e) {
			continue
		}
		layers++
		var gg, ww, ratio float64
		for i := e.Offset; i < e.Offset+e.Len(); i++ {
			snip += math.Abs(w[i] * grads[0][i])
			synflow += positive[i] * math.Abs(flow[i])
			gg, ww = gg+grads[0][i]*grads[0][i], ww+w[i]*w[i]
			a, b, c := grads[0][i], grads[1][i], grads[2][i]
			mean := (a + b + c) / 3
			if sd := math.Sqrt((a*a+b*b+c*c)/3 - mean*mean); sd > 0 {
				ratio += (math.Abs(a) + math.Abs(b) + math.Abs(c)) / 3 / sd
			}
		}
		norms, l2, zico = norms+math.Sqrt(gg), l2+math.Sqrt(ww), zico+math.Log(ratio)
	}
	near(t, "snip", got["snip"], snip)
	near(t, "grad_norm", got["grad_norm"], norms)
	near(t, "synflow", got["synflow"], math.Log(synflow))
	near(t, "l2_norm", got["l2_norm"], l2)
	// A gradient that hardly varies between three batches is divided by little: float32 shows.
	if d := math.Abs(got["zico"] - zico); d > 1e-3*float64(layers) {
		t.Errorf("zico is %v, want %v", got["zico"], zico)
	}
	c := config(t)
	near(t, "params", got["params"], float64(space.NetworkParams(c.Genotype, c.Channels, c.Cells, classes, false)))
}

// nwot and jacov agree with formulas that factorise nothing: a determinant by elimination, and for the
// eigenvalues v of C sum log(v+k) = log det (C+kI), sum 1/(v+k) = trace of its inverse.
func TestKernelProxies(t *testing.T) {
	got := proxyScores(t, "nwot,jacov,nngp,flops")
	out, _, _ := evaluated(t, graphgen.Spec.Patterns, batches(1)[0], same)
	near(t, "nwot", got["nwot"], math.Log(math.Abs(determinant(out["patterns"].F, batch))))

	out, _, _ = evaluated(t, graphgen.Spec.Jacobian, batches(1)[0], same)
	j := out["grad/images"].F
	n := len(j) / batch
	row := func(i int) []float64 {
		r, mean := append([]float64(nil), j[i*n:(i+1)*n]...), 0.
		for _, x := range r {
			mean += x / float64(n)
		}
		length := 0.
		for k := range r {
			r[k] -= mean
			length += r[k] * r[k]
		}
		for k := range r {
			r[k] /= math.Sqrt(length)
		}
		return r
	}
	corr := mat.NewDense(batch, batch, nil)
	for a := range batch {
		for b := range batch {
			corr.Set(a, b, mat.Dot(mat.NewVecDense(n, row(a)), mat.NewVecDense(n, row(b))))
		}
		corr.Set(a, a, corr.At(a, a)+1e-5)
	}
	var inverse mat.Dense
	check.Must(0, inverse.Inverse(corr))(t)
	near(t, "jacov", got["jacov"], -math.Log(determinant(corr.RawMatrix().Data, batch))-inverse.Trace())
	if got["nngp"] < 1 || got["nngp"] > 3*batch || got["flops"] < 1e4 {
		t.Errorf("nngp is %v, flops %v", got["nngp"], got["flops"])
	}
}

// The loss is that of the logits in float64, over all batches.
func TestLoss(t *testing.T) {
	got := proxyScores(t, "loss")
	want := 0.
	for _, b := range batches(3) {
		out, _, _ := evaluated(t, graphgen.Spec.Rank, b, same)
		x := out["logits"].F
		for i, label := range b.Labels {
			sum := 0.
			for _, z := range x[i*classes : (i+1)*classes] {
				sum += math.Exp(z)
			}
			want += (x[i*classes+int(label)] - math.Log(sum)) / 3 / batch
		}
	}
	near(t, "loss", got["loss"], want)
	_, err := proxy.Parse("loss", proxy.Gradient)
	check.Error(t, err, "ranker loss looks at trained networks")
}

// determinant is by Gaussian elimination with row exchanges.
func determinant(x []float64, n int) float64 {
	a, d := append([]float64(nil), x...), 1.
	for c := range n {
		best := c
		for r := c + 1; r < n; r++ {
			if math.Abs(a[r*n+c]) > math.Abs(a[best*n+c]) {
				best = r
			}
		}
		if best != c {
			d = -d
			for k := range n {
				a[c*n+k], a[best*n+k] = a[best*n+k], a[c*n+k]
			}
		}
		d *= a[c*n+c]
		for r := c + 1; r < n; r++ {
			f := a[r*n+c] / a[c*n+c]
			for k := c; k < n; k++ {
				a[r*n+k] -= f * a[c*n+k]
			}
		}
	}
	return d
}

func TestParse(t *testing.T) {
	if list := check.Must(proxy.Parse("all", proxy.Forward))(t); len(list) != 6 {
		t.Errorf("%d proxies need no gradient", len(list))
	}
	_, err := proxy.Parse("nngp,luck", proxy.Gradient)
	check.Error(t, err, `unknown ranker "luck": use one of nngp, nngp_fit, nwot, synflow,`)
	_, err = proxy.Parse("snip", proxy.Forward)
	check.Error(t, err, "ranker snip needs a gradient pass, only a forward pass was asked for")
	_, err = proxy.Parse("nwot, nwot", proxy.Forward)
	check.Error(t, err, "ranker nwot is named twice")
}

func TestParseWeighted(t *testing.T) {
	list, weights, err := proxy.ParseWeighted("nngp, params=.5")
	if err != nil || len(list) != 2 || list[1].Name != "params" || weights[0] != 1 || weights[1] != .5 {
		t.Errorf("got %v, %v, %v", list, weights, err)
	}
	if list, _, err := proxy.ParseWeighted(""); err != nil || len(list) != 1 || list[0].Name != "nngp" {
		t.Errorf("nothing is %v, %v", list, err)
	}
	for text, words := range map[string]string{"nngp=0": `weight of ranker nngp must be positive, got "0"`,
		"nngp=x": "must be positive", "nngp,nngp": "named twice", "luck=1": "unknown ranker"} {
		_, _, err := proxy.ParseWeighted(text)
		check.Error(t, err, words)
	}
}

func TestScoresErrors(t *testing.T) {
	proxyScores(t, "params") // opens the runtime
	n := ranking.Network{Spec: config(t).Spec(batch, side, pass.Lowering{Target: pass.CPUKernels, Passes: pass.All}),
		Weights: weights, Batches: batches(1), Options: ort.Options{Threads: 1}}
	_, err := ranking.Scores(t.Context(), n, check.Must(proxy.Parse("zico", proxy.Gradient))(t))
	check.Error(t, err, "zico: the deviation of a gradient needs two batches, got 1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ranking.Scores(ctx, n, check.Must(proxy.Parse("nngp", proxy.Gradient))(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	// Equal images have equal ReLU states.
	for i := range n.Batches[0].Images {
		n.Batches[0].Images[i] = 1
	}
	_, err = ranking.Scores(t.Context(), n, check.Must(proxy.Parse("nwot", proxy.Gradient))(t))
	check.Error(t, err, "nwot: two images have the same ReLU states")
	n.Spec.Forward = network.Config{Channels: 3}.Forward()
	_, err = ranking.Scores(t.Context(), n, check.Must(proxy.Parse("params", proxy.Gradient))(t))
	check.Error(t, err, "network: ")
}
