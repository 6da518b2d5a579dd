package scope_test

import (
	"testing"

	"zos-ort/graphgen/port"
	"zos-ort/graphgen/scope"
)

type primitive string

func (p primitive) String() string { return string(p) }

// Parse reads back what the package writes.
func TestParse(t *testing.T) {
	in := func(place string) string { return scope.Cell(3) + "/" + place }
	pool := primitive("max_pool_3x3")
	for s, want := range map[string]scope.Place{
		"":                                  {},
		scope.Loss:                          {Part: "loss"},
		"stem/bn":                           {Part: "stem"},
		scope.SGD:                           {Part: "sgd", Updates: true},
		scope.Statistics:                    {Part: "statistics", Updates: true},
		scope.Update(port.Weights):          {Part: "update", Updates: true},
		scope.Cell(12):                      {Part: "cell12"},
		in(scope.Preprocess(1) + "/conv_1"): {Part: "cell3", Operation: "preprocess1"},
		in(scope.Edge(7)):                   {Part: "cell3", Operation: "edge7"},
		in(scope.Edge(7) + "/dil_conv_3x3/depthwise"):      {Part: "cell3", Operation: "dil_conv_3x3"},
		in(scope.State(2, pool)):                           {Part: "cell3", Operation: "max_pool_3x3"},
		in(scope.Operation(5, pool)):                       {Part: "cell3", Operation: "max_pool_3x3"},
		scope.Gradient(in(scope.Operation(5, pool))):       {Part: "cell3", Operation: "max_pool_3x3"},
		scope.Again(in(scope.Edge(7) + "/dil_conv_3x3/0")): {Part: "cell3", Operation: "dil_conv_3x3"},
	} {
		if got := scope.Parse(s); got != want {
			t.Errorf("%q is read as %+v, want %+v", s, got, want)
		}
	}
}
