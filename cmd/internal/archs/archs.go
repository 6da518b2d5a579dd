// Package archs reads files of architectures with figures about them.
package archs

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"zos-ort/models/space"
)

// Columns that say what the architecture is.
const (
	normal = "normal"
	reduce = "reduce"
)

// File holds the rows of a file.
type File struct {
	Path      string
	Genotypes []space.Genotype

	header []string
	rows   [][]string
}

// Read reads a CSV file whose columns normal and reduce hold the eight genes of a cell as OPERATION:SOURCE,
// separated by spaces.
func Read(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("table: %w", err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("it is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", path, err)
	}
	x := &File{Path: path, header: all[0], rows: all[1:]}
	n, r := slices.Index(x.header, normal), slices.Index(x.header, reduce)
	if n < 0 || r < 0 {
		return nil, fmt.Errorf("table %s: no columns %s and %s among %s", path, normal, reduce,
			strings.Join(x.header, ", "))
	}
	for i, row := range x.rows {
		g, err := parseGenes(row[n], row[r])
		if err != nil {
			return nil, x.at(i, err)
		}
		x.Genotypes = append(x.Genotypes, g)
	}
	return x, nil
}

// at says in which line of the file something is wrong.
func (f *File) at(row int, err error) error {
	return fmt.Errorf("table %s, row %d: %w", f.Path, row+2, err)
}

// Has says whether there is a column of that name.
func (f *File) Has(column string) bool { return slices.Contains(f.header, column) }

// Column returns the numbers of a column.
func (f *File) Column(name string) ([]float64, error) {
	at := slices.Index(f.header, name)
	if at < 0 {
		return nil, fmt.Errorf("table %s: no column %s among %s", f.Path, name, strings.Join(f.header, ", "))
	}
	list := make([]float64, len(f.rows))
	for i, row := range f.rows {
		x, err := strconv.ParseFloat(row[at], 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, f.at(i, fmt.Errorf("%q is no number (column %s)", row[at], name))
		}
		list[i] = x
	}
	return list, nil
}

// Accuracy is the name of the only column whose name contains accuracy.
func (f *File) Accuracy() (string, error) {
	found := ""
	for _, h := range f.header {
		if !strings.Contains(h, "accuracy") {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("table %s: several columns are accuracies: choose one of %s with --column", f.Path,
				strings.Join(f.header, ", "))
		}
		found = h
	}
	if found == "" {
		return "", fmt.Errorf("table %s: no column is called accuracy: choose one of %s with --column", f.Path,
			strings.Join(f.header, ", "))
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
