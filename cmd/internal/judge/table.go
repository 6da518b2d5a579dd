package judge

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"zos-ort/models/space"
)

// Table holds the accuracies of the architectures of a file.
type Table struct {
	path string
	of   map[space.NB301]float64
	all  []float64 // every row
}

// Columns of a table that say what the architecture is.
const (
	normalColumn = "normal"
	reduceColumn = "reduce"
)

// ReadTable reads a CSV file whose columns normal and reduce hold the eight genes of a cell as
// OPERATION:SOURCE, separated by spaces, and whose column of the given name holds the accuracy in
// percent. An empty name takes the only column whose name contains accuracy. Rows of one
// architecture are averaged.
func ReadTable(path, column string) (*Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("table: %w", err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", path, err)
	}
	normal, reduce := slices.Index(header, normalColumn), slices.Index(header, reduceColumn)
	if normal < 0 || reduce < 0 {
		return nil, fmt.Errorf("table %s: no columns %s and %s among %s", path, normalColumn, reduceColumn,
			strings.Join(header, ", "))
	}
	at, err := accuracyColumn(header, column)
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", path, err)
	}
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", path, err)
	}
	t := &Table{path: path, of: map[space.NB301]float64{}}
	count := map[space.NB301]float64{}
	for i, row := range rows {
		fail := func(err error) error { return fmt.Errorf("table %s, row %d: %w", path, i+2, err) }
		g, err := parseGenes(row[normal], row[reduce])
		if err != nil {
			return nil, fail(err)
		}
		x, err := strconv.ParseFloat(row[at], 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fail(fmt.Errorf("%q is no accuracy", row[at]))
		}
		code, err := g.NB301()
		if err != nil {
			return nil, fail(err)
		}
		count[code]++
		t.of[code] += (x - t.of[code]) / count[code]
		t.all = append(t.all, x)
	}
	if len(t.all) < 2 {
		return nil, fmt.Errorf("table %s has %d rows: at least 2 are needed", path, len(t.all))
	}
	return t, nil
}

func accuracyColumn(header []string, name string) (int, error) {
	if name != "" {
		if i := slices.Index(header, name); i >= 0 {
			return i, nil
		}
		return 0, fmt.Errorf("no column %s among %s", name, strings.Join(header, ", "))
	}
	found := -1
	for i, h := range header {
		if strings.Contains(h, "accuracy") {
			if found >= 0 {
				return 0, fmt.Errorf("several columns are accuracies: choose one of %s with --column",
					strings.Join(header, ", "))
			}
			found = i
		}
	}
	if found < 0 {
		return 0, fmt.Errorf("no column is called accuracy: choose one of %s with --column", strings.Join(header, ", "))
	}
	return found, nil
}

// parseGenes reads genes such as "sep_conv_3x3:0 skip_connect:1 ...", eight for each cell.
func parseGenes(normal, reduce string) (g space.Genotype, err error) {
	for _, x := range []struct {
		text string
		cell *[2 * space.Nodes]space.Gene
	}{{normal, &g.Normal}, {reduce, &g.Reduce}} {
		genes := strings.Fields(x.text)
		if len(genes) != len(x.cell) {
			return g, fmt.Errorf("a cell has %d genes, got %d in %q", len(x.cell), len(genes), x.text)
		}
		for i, gene := range genes {
			name, source, _ := strings.Cut(gene, ":")
			if x.cell[i].Op, err = space.ParsePrimitive(name); err != nil {
				return g, err
			}
			if x.cell[i].Source, err = strconv.Atoi(source); err != nil {
				return g, fmt.Errorf("gene %q is not like sep_conv_3x3:0", gene)
			}
		}
	}
	return g, g.Validate()
}

// Accuracies looks architectures up.
func (t *Table) Accuracies(_ context.Context, archs []space.Genotype, step func()) ([]float64, error) {
	list := make([]float64, len(archs))
	for i, g := range archs {
		code, err := g.NB301()
		if err != nil {
			return nil, err
		}
		x, ok := t.of[code]
		if !ok {
			return nil, fmt.Errorf("table %s does not hold the architecture %v", t.path, g)
		}
		list[i] = x
		step()
	}
	return list, nil
}

// Close implements Source.
func (t *Table) Close() {}
