package judge

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/space"
)

// completeTable writes a table of all cells of NAS-Bench-201, each 3x3 convolution worth a percent.
func completeTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("architecture,cifar10_test,other\n")
	ops := check.Must(space.Open("nb201"))(t).Operations()
	all := 1
	for range 6 {
		all *= len(ops)
	}
	for i := range all {
		var cell [6]space.Primitive
		for e := range cell {
			cell[e] = ops[i%len(ops)]
			i /= len(ops)
		}
		three := 0
		for _, op := range cell {
			if op.String() == "nor_conv_3x3" {
				three++
			}
		}
		fmt.Fprintf(&b, "|%v~0|+|%v~0|%v~1|+|%v~0|%v~1|%v~2|,%d,1\n", cell[0], cell[1], cell[2], cell[3], cell[4], cell[5],
			80+three)
	}
	path := filepath.Join(t.TempDir(), "all.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A table of all architectures ranks them, chooses its column by the data, and judges masks.
func TestCompleteTable(t *testing.T) {
	nb201 := check.Must(space.Open("nb201"))(t)
	path := completeTable(t)
	source, _, err := Judging{Truth: path, Data: "cifar-10", Space: nb201}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	g := check.Must(nb201.ParseGenotype("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|none~2|"))(t)
	mask := nb201.FullMask().Drop(space.None)
	j := check.Must(New(t.Context(), Settings{Samples: 100, Masks: 10, Draws: 200, Seed: 1}, source, nothing))(t)
	// One cell has six 3x3 convolutions.
	got := check.Must(j.Genotypes(t.Context(), []Subject{{Genotype: &g}}))(t)[0]
	if got.Accuracy != 85 || *got.Standing != (Standing{Rank: 2, Of: 15625, Optimum: 86}) {
		t.Errorf("%+v, %+v", got, got.Standing)
	}
	near(t, "mean of all", j.Baseline().Mean, 80+6./5, 1e-9)
	masks := check.Must(j.Masks(t.Context(), []Subject{{Mask: &mask}}, nothing))(t)
	near(t, "inside, without none", masks[0].Inside.Value, 80+6./4, .3)

	_, _, err = Judging{Truth: path, Data: "cifar-10", Space: space.DARTS}.Open(t.Context())
	check.Error(t, err, "knows architectures of the space nb201, not of darts")
	_, _, err = Judging{Truth: path, Space: nb201}.Open(t.Context())
	check.Error(t, err, "no column is called accuracy")
}
