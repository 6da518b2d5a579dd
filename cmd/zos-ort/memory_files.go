package main

import (
	"fmt"
	"os"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/plan"
	"zos-ort/graphgen/reader"
)

// compareFiles prints the predicted memory of files, the first one being the measure.
func compareFiles(c *terminal.Console, paths []string, batch int) error {
	type row struct {
		File      string `json:"file"`
		Peak      int    `json:"predicted_peak_bytes"`
		Live      int    `json:"live_peak_bytes"`
		State     int    `json:"state_bytes"`
		Inputs    int    `json:"input_bytes"`
		Constants int    `json:"constant_bytes"`
		Nodes     int    `json:"nodes"`
	}
	var rows []row
	var cells [][]string
	for _, file := range paths {
		file, err := rundir.ModelFile(file, true)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		p, err := reader.Program(b, batch)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		r := plan.Simulate(p, p.RuntimeOrder())
		rows = append(rows, row{file, r.Total(), r.Peak, r.State, r.Inputs,
			r.Constants, len(p.Nodes)})
		last := rows[len(rows)-1]
		cells = append(cells, []string{file, terminal.MB(last.Peak), terminal.MB(last.Live),
			terminal.MB(last.State), terminal.MB(last.Inputs + last.Constants), fmt.Sprint(last.Nodes),
			fmt.Sprintf("%.3f", float64(last.Peak)/float64(rows[0].Peak))})
	}
	c.Result("predicted memory in MB (10^6 bytes), read back with onnx-go")
	if err := c.Table([]string{"file", "peak", "live bytes", "state", "inputs and constants", "nodes",
		"to the first"}, cells); err != nil {
		return err
	}
	return c.Value(map[string]any{"rows": rows})
}
