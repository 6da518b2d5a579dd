package memory

import (
	"encoding/csv"
	"strconv"
	"strings"
	"testing"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen/check"
	"zos-ort/models/space"
)

// The rows of a program reach its predicted peak, and never more.
func TestTimelineReachesThePeak(t *testing.T) {
	e := settings.Quick()
	e.Images.Classes = 10
	programs := check.Must(e.Programs(settings.StageSearch, space.DARTS.FullMask()))(t)
	rows := check.Must(csv.NewReader(strings.NewReader(string(Timeline(programs)))).ReadAll())(t)
	if head := strings.Join(rows[0], ","); head != "program,node,fixed,other,activations,gradients,updates" {
		t.Fatalf("header %s", head)
	}
	highest := 0
	for _, row := range rows[1:] {
		sum := 0
		for _, cell := range row[2:] {
			sum += check.Must(strconv.Atoi(cell))(t)
		}
		highest = max(highest, sum)
	}
	if want := PeakOf(programs); highest != want {
		t.Errorf("the highest row has %d bytes, the peak is %d", highest, want)
	}
}
