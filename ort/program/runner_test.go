package program_test

import (
	"errors"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/ir"
	"zos-ort/ort"
	"zos-ort/ort/program"
)

// Open names the role that a program lacks, or that two of its ports claim.
func TestOpenChecksRoles(t *testing.T) {
	if err := ort.Open(""); errors.Is(err, ort.ErrNoRuntime) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	shape := program.Shape{Weights: graphgen.Layout{{Name: "w", Shape: []int{3}}},
		Stats: graphgen.Layout{{Name: "bn", Shape: []int{2}}}}
	n := check.Must(program.NewNet(shape, program.Vectors{}, ort.Options{Threads: 1}))(t)
	defer n.Close()
	port := func(r graphgen.Role, dims ...int) graphgen.Port {
		return graphgen.Port{Name: string(r), Role: r, Type: ir.T(ir.Float, dims...)}
	}
	image, label, loss, correct, rate := port(graphgen.Image, 2, 3, 8, 8), port(graphgen.Label, 2),
		port(graphgen.Loss), port(graphgen.Correct), port(graphgen.Rate)
	for _, c := range []struct {
		open    func(*graphgen.Program) (*program.Runner, error)
		in, out []graphgen.Port
		want    string
	}{
		{n.OpenForward, []graphgen.Port{image}, nil, "net: needs a port of role logits, has none"},
		{n.OpenForward, []graphgen.Port{image}, []graphgen.Port{port(graphgen.Logits, 10)},
			"net: logits have shape [10], want [batch,classes]"},
		{n.OpenForward, []graphgen.Port{image, image}, []graphgen.Port{port(graphgen.Logits, 2, 10)},
			"net: has 2 ports of role image, want at most 1"},
		{n.OpenAlphaStep, []graphgen.Port{image, label, label}, []graphgen.Port{loss, correct},
			"net: has 2 ports of role label"},
		{n.OpenAlphaStep, []graphgen.Port{image}, []graphgen.Port{loss, correct}, "role label"},
		{n.OpenWeightStep, []graphgen.Port{image, label, rate}, []graphgen.Port{loss, correct}, "role norm"},
		{n.OpenWeightStep, []graphgen.Port{image, label}, []graphgen.Port{loss, correct}, "role rate"},
	} {
		p := &graphgen.Program{Name: "net"}
		p.Signature.Inputs, p.Signature.Outputs = c.in, c.out
		_, err := c.open(p)
		check.Error(t, err, c.want)
	}
}
