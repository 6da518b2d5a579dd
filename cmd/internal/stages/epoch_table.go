package stages

import (
	"fmt"
	"strings"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
	"zos-ort/search"
)

// markedSkips is how many skip connections of a cell are marked in the table without --stop-on-skips:
// more than two are taken for a sign that the search degenerates (P-DARTS, Chen et al. 2019).
const markedSkips = 3

// countWidth is how wide the column of an operation is.
const countWidth = 5

// epochTable prints a row for every epoch of a search: losses and accuracies, the entropy of the
// mixing weights, and how often the genotype has each operation.
type epochTable struct {
	mark    int // skip connections of a cell from which on they are marked; 0 is markedSkips
	started bool
}

// shortNames heads the columns of operations, in their order without none.
var shortNames = [space.NumPrimitives]string{space.MaxPool3x3: "max", space.AvgPool3x3: "avg",
	space.SkipConnect: "skip", space.SepConv3x3: "sep3", space.SepConv5x5: "sep5",
	space.DilConv3x3: "dil3", space.DilConv5x5: "dil5"}

func (t *epochTable) print(p *terminal.Console, e search.Epoch) {
	if t.mark == 0 {
		t.mark = markedSkips
	}
	if !t.started {
		t.started = true
		p.Say("%s", t.head())
	}
	p.Say("%s", t.row(e))
}

// head names the columns.
func (t *epochTable) head() string {
	var b strings.Builder
	const before = "      train        valid        entropy    "
	const cell = countWidth * (space.NumPrimitives - 1)
	fmt.Fprintf(&b, "%s  %*s  %*s\n", before, cell, "normal cell", cell, "reduction cell")
	b.WriteString("epoch  loss   acc   loss   acc  norm  red. ")
	for range space.CellTypes {
		b.WriteString("  ")
		for _, name := range shortNames[1:] {
			fmt.Fprintf(&b, "%*s", countWidth, name)
		}
	}
	fmt.Fprintf(&b, "  seconds  waiting\n(! marks cells with %d skip connections or more)", t.mark)
	return b.String()
}

// row is an epoch.
func (t *epochTable) row(e search.Epoch) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%5d %5.3f %5.3f  %5.3f %5.3f  %4.2f  %4.2f ", e.Epoch+1, e.TrainLoss, e.TrainAcc,
		e.ValidLoss, e.ValidAcc, e.Entropy[space.Normal], e.Entropy[space.Reduce])
	for _, ct := range space.CellTypes {
		b.WriteString("  ")
		for p, n := range e.Genotype.CountsIn(ct) {
			text := fmt.Sprint(n)
			if space.Primitive(p) == space.SkipConnect && n >= t.mark {
				text = "!" + text
			}
			if space.Primitive(p) != space.None {
				fmt.Fprintf(&b, "%*s", countWidth, text)
			}
		}
	}
	total := e.Time.Total.Seconds()
	fmt.Fprintf(&b, "  %7.1f  %5.1f %%", total, 100*e.Time.Waited.Seconds()/max(total, 1e-9))
	return b.String()
}
