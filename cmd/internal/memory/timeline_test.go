package memory

import (
	"bytes"
	"encoding/csv"
	"math"
	"strconv"
	"strings"
	"testing"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// The rows of a program reach its predicted peak, and never more.
func TestTimelineReachesThePeak(t *testing.T) {
	e := settings.Quick()
	e.Images.Classes = 10
	programs := check.Must(e.Programs(settings.StageSearch, space.DARTS.FullMask()))(t)
	highest := 0.
	for _, r := range timelineRows(t, Timeline(programs), "program,node,fixed,other,activations,gradients,updates") {
		highest = max(highest, r.bytes)
	}
	if want := PeakOf(e, programs); highest != float64(want) {
		t.Errorf("the highest row has %.0f bytes, the peak is %d", highest, want)
	}
	if _, err := Measured(programs[:1], [][]int64{{1, 2}}); err == nil {
		t.Error("a curve of two nodes fits")
	}
}

type timelineRow struct {
	program, node string
	bytes         float64 // sum of the row
}

func timelineRows(t *testing.T, text []byte, header string) (list []timelineRow) {
	t.Helper()
	rows := check.Must(csv.NewReader(bytes.NewReader(text)).ReadAll())(t)
	if head := strings.Join(rows[0], ","); head != header {
		t.Fatalf("header %s", head)
	}
	for _, row := range rows[1:] {
		r := timelineRow{program: row[0], node: row[1]}
		for _, cell := range row[2:] {
			r.bytes += check.Must(strconv.ParseFloat(cell, 64))(t)
		}
		list = append(list, r)
	}
	return list
}

// TestTimelineMeasured: what is in use while a step runs follows what was predicted, node by node.
func TestTimelineMeasured(t *testing.T) {
	openRuntime(t)
	for _, name := range []string{"zos", "darts"} {
		r := check.Must(Predict(small(8).With(check.Must(method.Find(name))(t)), 1))(t)
		var programs []*graphgen.Program
		var curves [][]int64
		for _, p := range r.Programs {
			programs = append(programs, p.Program)
			curves = append(curves, check.Must(meter.Curve(t.Context(), p.Program, ort.Options{Threads: 1}))(t))
		}
		predicted := timelineRows(t, Timeline(programs), "program,node,fixed,other,activations,gradients,updates")
		measured := timelineRows(t, check.Must(Measured(programs, curves))(t), "program,node,measured")
		for _, p := range programs {
			var off, peak, most, n float64
			for i, row := range predicted {
				if m := measured[i]; row.program == label(p) {
					if m.program != row.program || m.node != row.node {
						t.Fatalf("row %d is of %s %s, measured of %s %s", i, row.program, row.node, m.program, m.node)
					}
					off, peak, most, n = off+math.Abs(m.bytes-row.bytes), max(peak, row.bytes), max(most, m.bytes), n+1
				}
			}
			t.Logf("%s, %s: peak %.0f predicted, %.0f measured; rows are off by %.3f of it", name, p.Name, peak, most, off/n/peak)
			if off/n > .01*peak || math.Abs(most/peak-1) > .01 {
				t.Errorf("%s, %s: peak %.0f predicted, %.0f measured; rows are off by %.3f of it", name, p.Name, peak, most, off/n/peak)
			}
		}
	}
}
