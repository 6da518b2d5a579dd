package latency

import (
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"zos-ort/cmd/internal/costs"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/models/stream"
	"zos-ort/ort"
)

var quiet = terminal.New(io.Discard, io.Discard, false, true)

func small(s *space.Space, precision string) costs.Setting {
	return costs.Setting{Space: space.RefTo(s), Channels: 4, Cells: 3, Image: 8, Classes: 2, Batch: 2, Threads: 1, Precision: precision}
}

// sums is a space of costs whose operations cost other amounts each.
func sums(s *space.Space) *space.Costs {
	rng := rand.New(rand.NewPCG(7, 1))
	return s.SumCosts(space.Size{Channels: 4, Cells: 3}, 8, 0, func(space.Place) float64 { return 1 + rng.Float64() })
}

// samples are networks whose latency is a line in their costs.
func samples(t *testing.T, c *space.Costs, fixed, scale float64) (list []sample) {
	rng := rand.New(rand.NewPCG(7, 2))
	for range fitted {
		g := check.Must(space.RandomGenotype(rng, c.Space().FullMask()))(t)
		list = append(list, sample{g, fixed + scale*c.Of(g)})
	}
	return list
}

// The fit finds a line again, and falls back where there is none that makes sense.
func TestFit(t *testing.T) {
	c := sums(space.DARTS)
	for _, x := range []struct{ fixed, scale, wantFixed, wantScale float64 }{
		{3, .8, 3, .8}, {0, 2, 0, 2},
		{200, -1, -1, 1}, // larger networks are faster: operations as measured, and what is left
	} {
		list := samples(t, c, x.fixed, x.scale)
		fixed, scale := fit(c, list)
		if x.wantFixed < 0 {
			x.wantFixed = 0
			for _, s := range list {
				x.wantFixed += (s.ms - c.Of(s.genotype)) / fitted
			}
		}
		if math.Abs(fixed-x.wantFixed) > 1e-6 || math.Abs(scale-x.wantScale) > 1e-9 {
			t.Errorf("%v + %v sums gives %v + %v sums", x.fixed, x.scale, fixed, scale)
		}
	}
	steep := samples(t, c, -5, 1)
	if fixed, scale := fit(c, steep); fixed != 0 || !(scale > 0 && scale < 1) {
		t.Errorf("a negative fixed part gives %v + %v sums", fixed, scale)
	}
	same := samples(t, c, 3, 1)
	for i := range same {
		same[i] = same[0]
	}
	if fixed, scale := fit(c, same); math.Abs(fixed-3) > 1e-6 || scale != 1 {
		t.Errorf("one network gives %v + %v sums", fixed, scale)
	}
}

// The check finds perfect predictions perfect, and knows others.
func TestCheck(t *testing.T) {
	c := sums(space.DARTS)
	c.Fixed = 3
	list := samples(t, c, 0, 1)
	if got := compare(c, list); *got.Spearman < 1-1e-9 || got.Worst > 1e-12 || got.Networks != fitted {
		t.Errorf("a perfect prediction: %+v", got)
	}
	list[0].ms *= 2
	if got := compare(c, list); math.Abs(got.Worst-.5) > 1e-9 || math.Abs(got.Mean-.5/fitted) > 1e-9 {
		t.Errorf("half of one network: %+v", got)
	}
	if got := compare(c, list[:1]); got.Spearman != nil {
		t.Errorf("one network has an order: %+v", got)
	}
}

func TestRepeat(t *testing.T) {
	n := 0 // runs take 1, 2, 3, ... ms
	ms, err := repeat(func() (float64, error) { n++; return float64(n), nil })
	// 4 + 5 + ... + 11 = 60 are not more than the time of a visit, one more is.
	if err != nil || n != 12 || ms != 8 {
		t.Errorf("median %v of %d runs (%v)", ms, n, err)
	}
	n = 0
	if ms, _ := repeat(func() (float64, error) { n++; return .001 * float64(n), nil }); n != warmRuns+mostRuns ||
		math.Abs(ms-.001*(warmRuns+(mostRuns+1)/2.)) > 1e-9 {
		t.Errorf("median %v of %d short runs", ms, n)
	}
	if _, err := repeat(func() (float64, error) { return 0, io.EOF }); err != io.EOF {
		t.Errorf("an error became %v", err)
	}
}

// Networks of both precisions, and no random ones that fade to denormal numbers.
func TestDeployed(t *testing.T) {
	g := space.DARTS.Heaviest()
	for _, precision := range costs.Precisions {
		s := small(space.DARTS, precision)
		graph := check.Must(deployed(s, s.Image, s.Net(g).Spec(1, s.Image, pass.Lowering{}), stream.New(1, stream.MeasuredWeights, 0)))(t)
		quantised, norms := 0, 0
		for _, n := range graph.Nodes {
			switch n.Op.(type) {
			case op.QuantizeLinear:
				quantised++
			case op.BatchNorm:
				norms++
			}
		}
		if (quantised > 0) != (precision == costs.INT8) || norms > 0 {
			t.Errorf("%s: %d quantised activations, %d batch norms", precision, quantised, norms)
		}
	}
}

// A measurement gives a table that reads back, in both precisions, and a check.
func TestMeasure(t *testing.T) {
	if err := ort.Open(""); err != nil {
		t.Skipf("no ONNX Runtime: %v", err)
	}
	for name, precision := range map[string]string{"darts": costs.INT8, "nb201": costs.FP32} {
		s := check.Must(space.Open(name))(t)
		r := Request{Setting: small(s, precision), Seed: 1, Rounds: 1, Check: 4}
		table, err := r.Measure(context.Background(), quiet)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		read, err := costs.Parse("costs.json", check.Must(table.Text())(t))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, x := range read.Check.Rows {
			if !(x.Measured > 0) || !(x.Predicted > 0) {
				t.Errorf("%s: %+v", name, x)
			}
		}
		if len(read.Check.Rows) != r.Check || len(read.Places) == 0 {
			t.Errorf("%s: %+v", name, read)
		}
	}
}

// An interrupted measurement ends, and leaves no files.
func TestInterrupted(t *testing.T) {
	if err := ort.Open(""); err != nil {
		t.Skipf("no ONNX Runtime: %v", err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	for _, after := range []time.Duration{0, time.Second} { // while networks are built, and measured
		ctx, cancel := context.WithCancel(context.Background())
		if after == 0 {
			cancel()
		}
		stop := time.AfterFunc(after, cancel)
		_, err := Request{Setting: small(space.DARTS, costs.FP32), Seed: 1, Rounds: 1 << 20}.Measure(ctx, quiet)
		if stop.Stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("the measurement ended with %v", err)
		}
	}
	left := check.Must(os.ReadDir(os.TempDir()))(t)
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// An operation that is alone is deployed as in a network: its batch norms are folded.
func TestAloneIsDeployed(t *testing.T) {
	s := small(space.DARTS, costs.FP32)
	p := space.Place{Op: space.SepConv5x5, Channels: 4, Side: 8, Stride: 2}
	g := check.Must(deployed(s, p.Side, network.Alone{Place: p, Copies: 2}.Spec(), stream.New(1, stream.MeasuredWeights, 0)))(t)
	convs := 0
	for _, n := range g.Nodes {
		switch n.Op.(type) {
		case op.Conv:
			convs++
		case op.BatchNorm:
			t.Error("a batch norm is left")
		}
	}
	if convs != 1+2*4 {
		t.Errorf("%d convolutions, want 9", convs)
	}
	if in := g.Inputs[0]; in.Type.Shape[2] != 8 || in.DType != ir.Float {
		t.Errorf("the input is %v", in)
	}
}
