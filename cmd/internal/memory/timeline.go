package memory

import (
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
			row := []string{strings.ReplaceAll(program.Name, "_", " "), strconv.Itoa(at), strconv.Itoa(p.Total() - p.Peak)}
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
