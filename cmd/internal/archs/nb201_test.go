package archs

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"zos-ort/cmd/internal/costs"
	"zos-ort/cmd/internal/stats"
	"zos-ort/models/space"
)

// NAS-Bench-201 trains 15 cells, the first of 16 channels, on images of 32x32, for ten classes.
const (
	nb201Channels = 16
	nb201Cells    = 15
	nb201Classes  = 10
	nb201Image    = 32
)

// nb201Elements are the numbers in the outputs of an edge, over all 15 cells.
const nb201Elements = 5 * (16*32*32 + 32*16*16 + 64*8*8)

// nb201Outside is what the table counts outside of the cells and we do not: batch norms, ReLUs and pools there. The
// rule below gives 155,648 of them; where the other 5,192 come from is not known, they are fitted to the table.
const nb201Outside = 160_840

// tableFLOPs is the table's way to count, which follows from its rows: the multiply-accumulates; for every number that a
// convolution in a cell reads and writes one for the ReLU and two for the batch norm; for every number that a pool
// writes the nine that it averages.
func tableFLOPs(g space.Genotype) float64 {
	n := space.NetworkMACs(g, nb201Channels, nb201Cells, nb201Classes, nb201Image) + nb201Outside
	for _, gene := range g.Cell(space.Normal) {
		switch {
		case gene.Op.IsPool():
			n += 9 * nb201Elements
		case gene.Op.Weighs(1):
			n += 3 * nb201Elements
		}
	}
	return float64(n)
}

// nb201Table reads what is known of all cells; without it the test is skipped.
func nb201Table(t *testing.T) *File {
	t.Helper()
	folder := os.Getenv("ZOS_TRUTH")
	if folder == "" {
		folder = "../../../../shared/truth"
	}
	path := filepath.Join(folder, "nb201.csv")
	if _, err := os.Stat(path); err != nil {
		t.Skip("no truth about architectures: ", err)
	}
	f, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Parameters and multiply-accumulates of all cells are those of the table, to the digits that it prints. Cells that
// compute the same as another one have no figures there.
func TestNASBench201Costs(t *testing.T) {
	f := nb201Table(t)
	checked, wrong := 0, 0
	for i, g := range f.Genotypes {
		for column, got := range map[string]float64{
			"mparams": float64(space.NetworkParams(g, nb201Channels, nb201Cells, nb201Classes, false)),
			"mflops":  tableFLOPs(g),
		} {
			text := f.Text(i, column)
			if text == "" {
				continue
			}
			checked++
			if !printsAs(got/1e6, text) {
				if wrong++; wrong < 10 {
					t.Errorf("%v: %s is %v, the table has %s", g, column, got/1e6, text)
				}
			}
		}
	}
	if len(f.Genotypes) == 15625 && checked < 2*9000 || checked == 0 || wrong > 0 {
		t.Errorf("%d figures of %d cells compared, %d differ", checked, len(f.Genotypes), wrong)
	}
}

// printsAs reports whether a number is within one unit of the last digit of a text.
func printsAs(x float64, text string) bool {
	want, err := strconv.ParseFloat(text, 64)
	_, digits, _ := strings.Cut(text, ".")
	return err == nil && math.Abs(x-want) <= .5001*math.Pow(10, -float64(len(digits)))
}

// Multiply-accumulates of 200 random cells order what they take on a Raspberry Pi 4. ZOS_COSTS names a table of zos-ort
// costs --measure, whose predictions are compared as well.
func TestRaspberryPi(t *testing.T) {
	f := nb201Table(t)
	column, err := f.Column("raspi4_ms")
	if err != nil {
		t.Fatal(err)
	}
	const cells = 200
	var board, macs, predicted []float64
	latency := measured(t)
	for _, i := range rand.New(rand.NewPCG(1, 1)).Perm(len(f.Genotypes))[:min(cells, len(f.Genotypes))] {
		g := f.Genotypes[i].Live()
		board = append(board, column[i])
		macs = append(macs, float64(space.NetworkMACs(g, nb201Channels, nb201Cells, nb201Classes, nb201Image)))
		if latency != nil {
			predicted = append(predicted, latency.Of(g))
		}
	}
	r := stats.Spearman(macs, board)
	t.Logf("Spearman with the Raspberry Pi 4 over %d cells: multiply-accumulates %.3f", len(board), r)
	if r < .85 {
		t.Errorf("multiply-accumulates have a Spearman of %.3f with the latencies", r)
	}
	if latency != nil {
		t.Logf("latency that is measured here and predicted %.3f", stats.Spearman(predicted, board))
	}
}

// measured is the table that ZOS_COSTS names, nil without.
func measured(t *testing.T) *space.Costs {
	path := os.Getenv("ZOS_COSTS")
	if path == "" {
		return nil
	}
	table, err := costs.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := table.Costs()
	if err != nil {
		t.Fatal(err)
	}
	return c
}
