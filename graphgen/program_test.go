package graphgen_test

import (
	"bytes"
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/onnx"
	"zos-ort/graphgen/op"
)

var update = flag.Bool("update", false, "rewrite the golden graphs in testdata")

func TestGoldenGraphs(t *testing.T) {
	for name, p := range programs(t, tinySpec()) {
		m, err := onnx.Parse(p.Model)
		if err != nil {
			t.Fatal(err)
		}
		got, path := onnx.Text(m), filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs from %s (go test ./graphgen -update rewrites it):\n%s", name, path, got)
		}
	}
}

func TestSameSpecGivesTheSameBytes(t *testing.T) {
	a, b := programs(t, tinySpec()), programs(t, tinySpec())
	for name := range a {
		if !bytes.Equal(a[name].Model, b[name].Model) {
			t.Errorf("%s: two constructions differ", name)
		}
	}
}

func TestSignatureRoles(t *testing.T) {
	in := map[string]graphgen.Role{"weights": graphgen.Param, "momentum": graphgen.Momentum,
		"running_mean": graphgen.Mean, "running_variance": graphgen.Variance, "images": graphgen.Image,
		"labels": graphgen.Label, "rate": graphgen.Rate, "mix/normal": graphgen.MixWeight,
		"lazy_reset_grad": graphgen.Reset}
	out := map[string]graphgen.Role{"loss": graphgen.Loss, "correct": graphgen.Correct,
		"norm": graphgen.Norm, "logits": graphgen.Logits, "grad/mix/normal": graphgen.Gradient,
		"updated/weights": graphgen.Flag, "updated/momentum": graphgen.Flag,
		"updated/running_mean": graphgen.Flag, "updated/running_variance": graphgen.Flag}
	has := map[string][2][]string{
		"weight_step": {{"weights", "momentum", "running_mean", "running_variance", "images", "labels",
			"rate", "mix/normal", "lazy_reset_grad"}, {"loss", "correct", "norm", "updated/weights",
			"updated/momentum", "updated/running_mean", "updated/running_variance"}},
		"alpha_step": {{"weights", "running_mean", "running_variance", "images", "labels", "mix/normal",
			"lazy_reset_grad"}, {"loss", "correct", "grad/mix/normal", "updated/running_mean",
			"updated/running_variance"}},
		"eval": {{"weights", "running_mean", "running_variance", "images", "mix/normal",
			"lazy_reset_grad"}, {"logits"}},
		"rank": {{"weights", "running_mean", "running_variance", "images", "mix/normal",
			"lazy_reset_grad"}, {"logits"}},
	}
	for name, p := range programs(t, tinySpec()) {
		wantPorts(t, name+" inputs", p.Signature.Inputs, has[name][0], in)
		wantPorts(t, name+" outputs", p.Signature.Outputs, has[name][1], out)
	}
}

func wantPorts(t *testing.T, what string, got []graphgen.Port, names []string,
	roles map[string]graphgen.Role) {
	t.Helper()
	have := map[string]graphgen.Role{}
	for _, p := range got {
		have[p.Name] = p.Role
	}
	if len(have) != len(names) || len(got) != len(names) {
		t.Errorf("%s: %v, want %v", what, got, names)
	}
	for _, n := range names {
		if have[n] != roles[n] {
			t.Errorf("%s: %s has role %q, want %q", what, n, have[n], roles[n])
		}
	}
}

func TestSignatureFind(t *testing.T) {
	p := programs(t, tinySpec())["eval"]
	images := ir.T(ir.Float, 2, 3, 4, 4)
	if port, err := p.Signature.In("images"); err != nil || !port.Type.Equal(images) {
		t.Errorf("images: %v, %v", port, err)
	}
	if port, err := p.Signature.Out("logits"); err != nil || !port.Type.Equal(ir.T(ir.Float, 2, 3)) {
		t.Errorf("logits: %v, %v", port, err)
	}
	_, err := p.Signature.In("rate")
	check.Error(t, err, "eval: no input rate")
	_, err = p.Signature.Out("loss")
	check.Error(t, err, "eval: no output loss")
}

// Ports are found by role and by their mix. The error says which port is missing or not unique.
func TestSignatureByRole(t *testing.T) {
	list := programs(t, tinySpec())
	alpha, weight := list["alpha_step"].Signature, list["weight_step"].Signature
	for role, name := range map[graphgen.Role]string{graphgen.Param: "weights",
		graphgen.Image: "images", graphgen.Label: "labels", graphgen.Rate: "rate"} {
		if p := check.Must(weight.Input(role))(t); p.Name != name || p.Role != role {
			t.Errorf("the input of role %s is %+v, want %s", role, p, name)
		}
	}
	if p := check.Must(alpha.Output(graphgen.Gradient))(t); p.Name != "grad/mix/normal" {
		t.Errorf("the gradient is %s", p.Name)
	}
	_, err := alpha.Input(graphgen.Rate)
	check.Error(t, err, "alpha_step: needs 1 input of role rate, has 0")
	_, err = weight.Output(graphgen.Flag)
	check.Error(t, err, "weight_step: needs 1 output of role flag, has 4")

	m := graphgen.Mix{Of: graphgen.MixedOperations, Cell: "normal"}
	for _, x := range []struct {
		s        graphgen.Signature
		gradient string
	}{{alpha, "grad/mix/normal"}, {weight, ""}} {
		p, ok := x.s.Mixing(m)
		if !ok || p.Name != "mix/normal" || p.Mix != m || p.Gradient != x.gradient {
			t.Errorf("%s: %+v mixes %+v, want the gradient %q", x.s.Program, p, m, x.gradient)
		}
	}
	m.Of = graphgen.MixedEdges
	if p, ok := alpha.Mixing(m); ok {
		t.Errorf("%+v mixes edges", p)
	}
}

// Emission fails if a port has no role, because nothing could feed it.
func TestPortsHaveRoles(t *testing.T) {
	s := tinySpec()
	s.Forward = func(n *graphgen.Net, images *ir.Value) graphgen.Scores {
		return tiny(n, op.Mul{}.Of(images, n.G.Input("brightness", ir.T(ir.Float))))
	}
	_, err := s.Evaluate()
	check.Error(t, err, "eval: port brightness has no role")
}

// The programs share one state, so they must have the same layouts.
func TestProgramsShareLayouts(t *testing.T) {
	list := programs(t, tinySpec())
	want := list["weight_step"]
	if n := want.Weights.Len(); n != 108+8+36+15 || want.Stats.Len() != 8 {
		t.Errorf("layouts have %d weights and %d statistics", n, want.Stats.Len())
	}
	for name, p := range list {
		for i, e := range p.Weights {
			if w := want.Weights[i]; e.Name != w.Name || e.Offset != w.Offset || e.Init != w.Init {
				t.Errorf("%s: entry %d is %v, want %v", name, i, e, w)
			}
		}
		if len(p.Weights) != len(want.Weights) || len(p.Stats) != len(want.Stats) {
			t.Errorf("%s: %d weights and %d statistics", name, len(p.Weights), len(p.Stats))
		}
	}
}

// The loss of an auxiliary head counts with its weight.
func TestAuxiliaryLoss(t *testing.T) {
	loss := func(weight float64, auxiliary bool) float64 {
		s := tinySpec()
		s.AuxiliaryWeight = weight
		s.Forward = func(n *graphgen.Net, images *ir.Value) graphgen.Scores {
			out := tiny(n, images)
			if auxiliary {
				out.Auxiliary = op.Mul{}.Of(out.Logits, n.G.Scalar(2))
			}
			return out
		}
		p := programs(t, s)["alpha_step"]
		out, _ := run(t, p, inputs(p, 1))
		return out["loss"].F[0]
	}
	alone, half, whole := loss(.5, false), loss(.5, true), loss(1, true)
	if half == alone || math.Abs((whole-alone)-2*(half-alone)) > 1e-12 {
		t.Errorf("losses without, with .5 and with 1 times the head: %v %v %v", alone, half, whole)
	}
}

func TestBuildErrorsAreReturned(t *testing.T) {
	s := tinySpec()
	s.Forward = func(n *graphgen.Net, images *ir.Value) graphgen.Scores {
		var x *ir.Value
		n.G.In("cell0", func() { x = op.Add{}.Of(images, n.G.Floats(make([]float32, 5), 5)) })
		return graphgen.Scores{Logits: x}
	}
	_, err := s.WeightStep()
	check.Error(t, err, "weight_step: ", "cell0", "[5]")
	_, err = graphgen.Freeze("frozen", nil, func(n *graphgen.Net) { n.Weight("w", 0, 1, 2) })
	check.Error(t, err, "frozen: ", "no tensor /w")
}
