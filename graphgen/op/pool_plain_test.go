package op_test

import (
	"testing"

	"zos-ort/graphgen/op/optest"
)

// Pool gradients made of other operators equal those of the gradient operators.
func TestPlainPoolGradients(t *testing.T) {
	cases := optest.PlainPool()
	if len(cases) < 10 {
		t.Errorf("only %d cases", len(cases))
	}
	for _, c := range cases {
		g := c.Graph()
		out := run(t, g.Graph, c.Values(g))
		for i, got := range out["y0"].F {
			if want := out["y1"].F[i]; got-want > 1e-12 || want-got > 1e-12 {
				t.Errorf("%s: element %d is %g, want %g", c.Name, i, got, want)
			}
		}
	}
}
