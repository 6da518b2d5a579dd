package memory

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/graphgen/plan"
)

// timelineLayers are the layers of a timeline from the bottom up.
var timelineLayers = []string{"other", "activations", "gradients", "updates"}

// timelineLayer is the layer of a tensor without its cell.
func timelineLayer(t plan.Tensor) string {
	return timelineLayers[chartLayer(t)[0]-'0']
}

// Timeline is a CSV file of the live bytes of programs over their schedules, by layer; fixed are state, inputs,
// constants and scratch memory, which a whole run of the program holds.
func Timeline(programs []*graphgen.Program) []byte {
	rows := [][]string{append([]string{"program", "node", "fixed"}, timelineLayers...)}
	for _, program := range programs {
		p := plan.Of(program.Graph)
		layers := p.Layers(timelineLayer)
		for _, at := range columns(p.Timeline) {
			row := []string{label(program), strconv.Itoa(at), strconv.Itoa(p.Total() - p.Peak)}
			for _, name := range timelineLayers {
				bytes := 0
				if l := layers[name]; l != nil {
					bytes = l[at]
				}
				row = append(row, strconv.Itoa(bytes))
			}
			rows = append(rows, row)
		}
	}
	return terminal.CSV(rows)
}

// Measured is a CSV file with the rows of Timeline of what was in use when the programs ran, by their curves (meter.Curve)
// and with what is fixed.
func Measured(programs []*graphgen.Program, curves [][]int64) ([]byte, error) {
	rows := [][]string{{"program", "node", "measured"}}
	for i, program := range programs {
		p, curve := plan.Of(program.Graph), curves[i]
		if len(curve) != len(p.Timeline) {
			return nil, fmt.Errorf("%s: %d nodes were measured, %d are planned", program.Name, len(curve), len(p.Timeline))
		}
		from := 0
		for _, at := range columns(p.Timeline) {
			most := slices.Max(curve[from : at+1]) // also of the nodes that have no row
			rows = append(rows, []string{label(program), strconv.Itoa(at), strconv.FormatInt(most+int64(p.Total()-p.Peak), 10)})
			from = at + 1
		}
	}
	return terminal.CSV(rows), nil
}

// label is the name of a program for people.
func label(p *graphgen.Program) string { return strings.ReplaceAll(p.Name, "_", " ") }
