package judge

import (
	"context"
	"fmt"
	"math"

	"zos-ort/cmd/internal/archs"
	"zos-ort/models/space"
)

// Table holds the accuracies of the architectures of a file.
type Table struct {
	path  string
	space *space.Space
	of    map[string]float64 // by the text of the canonical genotype
	all   []float64          // every row
}

// ReadTable reads a file of architectures (package archs) with their accuracies in percent, in the column of the
// given name, or in the only one whose name contains accuracy. Rows of one architecture are averaged.
func ReadTable(path, column string) (*Table, error) {
	f, err := archs.Read(path)
	if err != nil {
		return nil, err
	}
	return tableOf(f, column)
}

func tableOf(f *archs.File, column string) (_ *Table, err error) {
	if column == "" {
		if column, err = f.Accuracy(); err != nil {
			return nil, err
		}
	}
	t := &Table{path: f.Path, space: f.Space(), of: map[string]float64{}}
	if t.all, err = f.Column(column); err != nil {
		return nil, err
	}
	count := map[string]float64{}
	for i, g := range f.Genotypes {
		key := g.Canonical().String()
		count[key]++
		t.of[key] += (t.all[i] - t.of[key]) / count[key]
	}
	if len(t.all) < 2 {
		return nil, fmt.Errorf("table %s has %d rows: at least 2 are needed", f.Path, len(t.all))
	}
	return t, nil
}

// Complete says whether the table holds every architecture of its space, so that masks can be judged by it too.
func (t *Table) Complete() bool {
	return math.Abs(math.Log(float64(len(t.of)))-t.space.LogArchitectures()) < 1e-9
}

// Standing is where an architecture stands among all of a complete table.
type Standing struct {
	Rank    int     `json:"rank"` // 1 is the best
	Of      int     `json:"of"`
	Optimum float64 `json:"optimum"`
}

// Standing ranks an accuracy; nil if the table is not complete.
func (t *Table) Standing(accuracy float64) *Standing {
	if !t.Complete() {
		return nil
	}
	s := Standing{Rank: 1, Of: len(t.of), Optimum: accuracy}
	for _, x := range t.of {
		s.Optimum = max(s.Optimum, x)
		if x > accuracy {
			s.Rank++
		}
	}
	return &s
}

// Accuracies looks architectures up.
func (t *Table) Accuracies(_ context.Context, list []space.Genotype, step func()) ([]float64, error) {
	found := make([]float64, len(list))
	for i, g := range list {
		if g.Space() != t.space {
			return nil, fmt.Errorf("table %s holds architectures of the space %s, not of %s", t.path, t.space.Name(), g.Space().Name())
		}
		x, ok := t.of[g.Canonical().String()]
		if !ok {
			return nil, fmt.Errorf("table %s does not hold the architecture %v", t.path, g)
		}
		found[i] = x
		step()
	}
	return found, nil
}

// Space implements Source.
func (t *Table) Space() *space.Space { return t.space }

// Close implements Source.
func (t *Table) Close() {}
