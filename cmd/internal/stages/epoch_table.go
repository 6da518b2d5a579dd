package stages

import (
	"cmp"
	"fmt"
	"strings"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
	"zos-ort/search"
)

// markedSkips is how many skip connections of a cell are marked in the table without --stop-on-skips:
// more than two are taken for a sign that the search degenerates (P-DARTS, Chen et al. 2019).
const markedSkips = 3

// countWidth is how wide the column of an operation is at least.
const countWidth = 5

// epochTable prints a row for every epoch of a search: losses and accuracies, the entropy of the
// mixing weights, and how often the genotype has each operation.
type epochTable struct {
	mark    int // skip connections of a cell from which on they are marked; 0 is markedSkips
	started bool
}

// shortNames heads the columns of operations. Others have their name.
var shortNames = map[space.Primitive]string{space.MaxPool3x3: "max", space.AvgPool3x3: "avg",
	space.SkipConnect: "skip", space.SepConv3x3: "sep3", space.SepConv5x5: "sep5",
	space.DilConv3x3: "dil3", space.DilConv5x5: "dil5"}

// opColumn is the column of an operation in a genotype.
type opColumn struct {
	op    space.Primitive
	name  string
	width int
}

func opColumns(s *space.Space) (list []opColumn) {
	for _, p := range s.Operations() {
		if p == space.None && !s.KeepsNone() {
			continue
		}
		name := cmp.Or(shortNames[p], p.String())
		list = append(list, opColumn{p, name, max(countWidth, len(name)+1)})
	}
	return list
}

// print prints an epoch, and what is left of the run after it.
func (t *epochTable) print(p *terminal.Console, e search.Epoch, left string) {
	if t.mark == 0 {
		t.mark = markedSkips
	}
	if !t.started {
		t.started = true
		p.Say("%s", t.head(e.Genotype.Space()))
	}
	p.Say("%s%s", t.row(e), left)
}

// head names the columns.
func (t *epochTable) head(s *space.Space) string {
	var b strings.Builder
	const before = "      train        valid        entropy    "
	b.WriteString(before)
	cell := 0
	for _, c := range opColumns(s) {
		cell += c.width
	}
	for _, t := range s.CellTypes() {
		fmt.Fprintf(&b, "  %*s", cell, [...]string{"normal cell", "reduction cell"}[t])
	}
	b.WriteString("\nepoch  loss   acc   loss   acc  norm  red. ")
	for range s.CellTypes() {
		b.WriteString("  ")
		for _, c := range opColumns(s) {
			fmt.Fprintf(&b, "%*s", c.width, c.name)
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
	for _, ct := range e.Genotype.Space().CellTypes() {
		b.WriteString("  ")
		counts := e.Genotype.CountsIn(ct)
		for _, c := range opColumns(e.Genotype.Space()) {
			text := fmt.Sprint(counts[c.op])
			if c.op.IsSkip() && counts[c.op] >= t.mark {
				text = "!" + text
			}
			fmt.Fprintf(&b, "%*s", c.width, text)
		}
	}
	total := e.Time.Total.Seconds()
	fmt.Fprintf(&b, "  %7.1f  %5.1f %%", total, 100*e.Time.Waited.Seconds()/max(total, 1e-9))
	return b.String()
}
