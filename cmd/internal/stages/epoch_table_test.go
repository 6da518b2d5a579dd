package stages

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/check"
	"zos-ort/models/space"
	"zos-ort/search"
)

// The rows of DARTS_V2, whose normal cell has 2 skip connections and whose reduction cell has 3.
func TestEpochTable(t *testing.T) {
	e := search.Epoch{Epoch: 9, Means: search.Means{TrainLoss: 1.5, TrainAcc: .4321}, ValidLoss: 1.25,
		ValidAcc: .5, Entropy: [2]float64{2.07, 1.9}, Genotype: check.Must(space.Named("DARTS_V2"))(t),
		Time: search.Times{Total: 10 * time.Second, Waited: time.Second}}
	for mark, want := range map[int][]string{
		0: {"10 1.500 0.432 1.250 0.500 2.07 1.90", "0 0 2 5 0 1 0", "5 0 !3 0 0 0 0", "10.0 10.0 %"},
		2: {"0 0 !2 5 0 1 0", "5 0 !3 0 0 0 0"},
		4: {"0 0 2 5 0 1 0", "5 0 3 0 0 0 0"},
	} {
		var out bytes.Buffer
		table, p := epochTable{mark: mark}, terminal.New(io.Discard, &out, false, false)
		table.print(p, e, "")
		table.print(p, e, "")
		lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
		if len(lines) != 5 || lines[3] != lines[4] {
			t.Fatalf("three lines of head and two rows, not:\n%s", out.String())
		}
		row := strings.Join(strings.Fields(lines[3]), " ")
		for _, w := range want {
			if !strings.Contains(row, w) {
				t.Errorf("marking from %d on: row %q does not have %q", mark, row, w)
			}
		}
		// The numbers stand under their names.
		if at := strings.LastIndex(lines[1], "skip"); lines[3][at+3] != '3' {
			t.Errorf("the skip connections of the reduction cell are elsewhere:\n%s", out.String())
		}
	}
}
