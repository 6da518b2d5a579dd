package judge

import (
	"context"
	"fmt"

	"zos-ort/cmd/internal/archs"
	"zos-ort/models/space"
)

// Table holds the accuracies of the architectures of a file.
type Table struct {
	path string
	of   map[space.NB301]float64
	all  []float64 // every row
}

// ReadTable reads a file of architectures (package archs) with their accuracies in percent, in the column of the
// given name, or in the only one whose name contains accuracy. Rows of one architecture are averaged.
func ReadTable(path, column string) (*Table, error) {
	f, err := archs.Read(path)
	if err != nil {
		return nil, err
	}
	if column == "" {
		if column, err = f.Accuracy(); err != nil {
			return nil, err
		}
	}
	t := &Table{path: path, of: map[space.NB301]float64{}}
	if t.all, err = f.Column(column); err != nil {
		return nil, err
	}
	count := map[space.NB301]float64{}
	for i, g := range f.Genotypes {
		code, err := g.NB301()
		if err != nil {
			return nil, err
		}
		count[code]++
		t.of[code] += (t.all[i] - t.of[code]) / count[code]
	}
	if len(t.all) < 2 {
		return nil, fmt.Errorf("table %s has %d rows: at least 2 are needed", path, len(t.all))
	}
	return t, nil
}

// Accuracies looks architectures up.
func (t *Table) Accuracies(_ context.Context, list []space.Genotype, step func()) ([]float64, error) {
	found := make([]float64, len(list))
	for i, g := range list {
		code, err := g.NB301()
		if err != nil {
			return nil, err
		}
		x, ok := t.of[code]
		if !ok {
			return nil, fmt.Errorf("table %s does not hold the architecture %v", t.path, g)
		}
		found[i] = x
		step()
	}
	return found, nil
}

// Close implements Source.
func (t *Table) Close() {}
