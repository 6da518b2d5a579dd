package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"zos-ort/models/space"
)

// folder reads the files of a run and notes what cannot be read. No name leads out of it, be it by a link.
type folder struct {
	dir     string
	root    *os.Root
	missing []string
}

// openFolder opens a run; close its root.
func openFolder(dir string) (*folder, error) {
	root, err := os.OpenRoot(dir)
	return &folder{dir: dir, root: root}, err
}

// searched is the space of the run.
func (f *folder) searched() *space.Space {
	var e struct{ Space space.Ref }
	json.Unmarshal(f.read("config.json"), &e) // whoever reads the settings says what is wrong with them
	return e.Space.Of()
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// note adds a line to what is missing on the page.
func (f *folder) note(format string, args ...any) {
	f.missing = append(f.missing, fmt.Sprintf(format, args...))
}

// read gives the content of a file; nil where there is none, which is no defect.
func (f *folder) read(name string) []byte {
	b, err := f.root.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.note("%s cannot be read", name)
	}
	return b
}

// json decodes a file and says whether it is there and whole.
func (f *folder) json(name string, v any) bool {
	b := f.read(name)
	if b == nil {
		return false
	}
	if err := json.Unmarshal(b, v); err != nil {
		f.note("%s is damaged: %v", name, err)
		return false
	}
	return true
}

// table is a CSV file with a header.
type table struct {
	header []string
	rows   [][]string
}

// csv reads the complete rows of a CSV file. A row that is cut off, as a full disk or a copy of a running machine
// leaves it, ends the table.
func (f *folder) csv(name string) (t table) {
	b := f.read(name)
	if b == nil {
		return t
	}
	whole := bytes.LastIndexByte(b, '\n') + 1
	r := csv.NewReader(bytes.NewReader(b[:whole]))
	r.FieldsPerRecord = -1
	for {
		row, err := r.Read()
		if err == io.EOF && whole == len(b) {
			return t
		}
		if err != nil || len(t.header) > 0 && len(row) != len(t.header) {
			f.note("%s is cut off after %d rows", name, len(t.rows))
			return t
		}
		if t.header == nil {
			t.header = row
		} else {
			t.rows = append(t.rows, row)
		}
	}
}

// at is the place of a column, -1 if there is none.
func (t table) at(column string) int {
	for i, h := range t.header {
		if h == column {
			return i
		}
	}
	return -1
}

// texts are the cells of a column; nil if there is no such column.
func (t table) texts(column string) (list []string) {
	at := t.at(column)
	if at < 0 {
		return nil
	}
	for _, row := range t.rows {
		list = append(list, row[at])
	}
	return list
}

// numbers are those of a column, and nothing where a cell holds none: the page leaves a gap.
func (t table) numbers(column string) (list []number) {
	for _, text := range t.texts(column) {
		list = append(list, parseNumber(text))
	}
	return list
}

func parseNumber(text string) number {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return gap
	}
	return number(x)
}
