package cells

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// FuzzReadCell: any status of a cell of a sweep is read or refused, and can be written again.
func FuzzReadCell(f *testing.F) {
	good := Cell{Schema: cellSchema, Version: cellVersion, Method: "zos", Seed: 1, Phases: []Phase{{Name: "search",
		State: Done, Result: json.RawMessage(`{"genotype_text":"DARTS_V2","valid_accuracy":0.5,"seconds":{"prune":1}}`)}}}
	b, err := json.Marshal(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"schema":"` + cellSchema + `","version":2,"phases":[{"name":"search","state":"done","result":[]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, statusFile), b, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := ReadCell(dir)
		if err != nil {
			return
		}
		_, _ = c.Outcome()
		if err := c.write(dir); err != nil {
			return // a result that is not JSON
		}
		if _, err := ReadCell(dir); err != nil {
			t.Errorf("what was read cannot be read again: %v", err)
		}
	})
}
