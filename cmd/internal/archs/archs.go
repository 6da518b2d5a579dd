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
	normal       = "normal"
	reduce       = "reduce"
	architecture = "architecture"
)

// File holds the rows of a file.
type File struct {
	Path      string
	Genotypes []space.Genotype

	header []string
	rows   [][]string
}

// Read reads a CSV file whose columns normal and reduce hold the eight genes of a cell of DARTS as OPERATION:SOURCE,
// separated by spaces, or whose column architecture holds genotypes as text, of DARTS or of NAS-Bench-201.
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
	n, r, a := slices.Index(x.header, normal), slices.Index(x.header, reduce), slices.Index(x.header, architecture)
	if a < 0 && (n < 0 || r < 0) {
		return nil, fmt.Errorf("table %s: no column %s, and no columns %s and %s, among %s", path, architecture, normal, reduce,
			strings.Join(x.header, ", "))
	}
	for i, row := range x.rows {
		var g space.Genotype
		if a >= 0 {
			g, err = space.DARTS.ParseGenotype(row[a])
		} else {
			g, err = parseGenes(row[n], row[r])
		}
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

// Space is the space of the architectures.
func (f *File) Space() *space.Space {
	if len(f.Genotypes) == 0 {
		return space.DARTS
	}
	return f.Genotypes[0].Space()
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

// Text is what a row has in a column, nothing if there is no such column.
func (f *File) Text(row int, column string) string {
	if at := slices.Index(f.header, column); at >= 0 {
		return f.rows[row][at]
	}
	return ""
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
	var cells [2][]space.Gene
	for t, text := range []string{normal, reduce} {
		genes := strings.Fields(text)
		if len(genes) != space.DARTS.Genes() {
			return g, fmt.Errorf("a cell has %d genes, got %d in %q", space.DARTS.Genes(), len(genes), text)
		}
		for _, text := range genes {
			name, source, _ := strings.Cut(text, ":")
			var gene space.Gene
			if gene.Op, err = space.DARTS.Operation(name); err != nil {
				return g, err
			}
			if gene.Source, err = strconv.Atoi(source); err != nil {
				return g, fmt.Errorf("gene %q is not like sep_conv_3x3:0", text)
			}
			cells[t] = append(cells[t], gene)
		}
	}
	g = space.DARTS.Genotype(cells[:]...)
	return g, g.Validate()
}
