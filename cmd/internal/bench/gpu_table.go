package bench

import (
	"fmt"
	"slices"
	"strings"

	"zos-ort/cmd/internal/terminal"
)

// Targets on a GPU, as parts of what PyTorch takes when it does not compile.
const (
	targetTime   = 1
	targetMemory = .5
)

// gpuRatio compares our side with a mode of the peer.
type gpuRatio struct {
	Side   string  `json:"side"`
	Time   float64 `json:"time_ratio"`   // of the medians, ours to the peer's
	Memory float64 `json:"memory_ratio"` // of the peaks in use
	Met    *met    `json:"targets_met,omitempty"`
}

// met says which targets are met, for the modes that have them.
type met struct {
	Time   bool `json:"time"`
	Memory bool `json:"memory"`
}

// against compares our side with every mode of the peer; a ratio needs figures of both.
func (r benchResult) against() (list []gpuRatio) {
	own := r.side(ours)
	for _, s := range r.Sides {
		if s.Side == ours || len(own.Seconds) == 0 || len(s.Seconds) == 0 || s.Peak == 0 {
			continue
		}
		c := gpuRatio{Side: s.Side, Time: spreadOf(own.Seconds).Median / spreadOf(s.Seconds).Median,
			Memory: float64(own.Peak) / float64(s.Peak)}
		if s.Side != compiledMode {
			c.Met = &met{c.Time <= targetTime, c.Memory <= targetMemory}
		}
		list = append(list, c)
	}
	return list
}

// gpuTable has a line for every mode of the peer.
func (r benchReport) gpuTable(p *terminal.Console) error {
	header := []string{"method", "batch", "program", "zos-ort: ms", "MB"}
	if r.Torch != "" {
		header = append(header, "PyTorch", "ms", "MB", "ratio: ms", "MB", "targets")
	}
	var cells [][]string
	for _, row := range r.Rows {
		cells = append(cells, row.gpuLines(len(header))...)
	}
	p.Result("one step on %s, %s, kernels %s, CUDA graphs %s: fastest, median [quartiles]; most memory in use; ratios of "+
		"the medians and of the memory", r.Device, r.Precision, r.GPUKernels, r.CUDAGraphs)
	if err := p.Table(header, cells); err != nil {
		return err
	}
	if r.Torch != "" {
		p.Result("%s", targets(r.Rows))
	}
	return nil
}

// gpuLines are the lines of a row with n columns.
func (row benchRow) gpuLines(columns int) (lines [][]string) {
	own := append([]string{row.Method, fmt.Sprint(row.Batch), row.benchResult.Program},
		row.side(ours).cells()...)
	for _, s := range row.Sides {
		if s.Side == ours {
			continue
		}
		line := slices.Concat(own, []string{s.Side}, s.cells(), []string{"-", "-", "-"})
		i := slices.IndexFunc(row.Against, func(c gpuRatio) bool { return c.Side == s.Side })
		if i >= 0 {
			copy(line[columns-3:], row.Against[i].cells())
		}
		lines = append(lines, line)
		own = make([]string, len(own)) // print it once
	}
	if len(lines) == 0 {
		lines = [][]string{slices.Concat(own, slices.Repeat([]string{"-"}, columns-len(own)))}
	}
	return lines
}

// cells are the times and the peak of a side, or why there are none.
func (s series) cells() []string {
	switch {
	case len(s.Seconds) > 0:
		return []string{spreadOf(s.Seconds).String(), fmt.Sprintf("%.1f", float64(s.Peak)/1e6)}
	case s.Error == errMemory.Error():
		return []string{s.Error, "-"}
	}
	return []string{"failed", "-"}
}

func (c gpuRatio) cells() []string {
	line := []string{fmt.Sprintf("%.2f", c.Time), fmt.Sprintf("%.2f", c.Memory), "-"}
	if c.Met == nil {
		return line
	}
	var missed []string
	if !c.Met.Time {
		missed = append(missed, "time")
	}
	if !c.Met.Memory {
		missed = append(missed, "memory")
	}
	if line[2] = "met"; missed != nil {
		line[2] = "missed: " + strings.Join(missed, ", ")
	}
	return line
}

// targets says how often the targets are met.
func targets(rows []benchRow) string {
	var all, quick, small int
	for _, row := range rows {
		for _, c := range row.Against {
			if c.Met == nil {
				continue
			}
			if all++; c.Met.Time {
				quick++
			}
			if c.Met.Memory {
				small++
			}
		}
	}
	return fmt.Sprintf("targets, beside PyTorch without its compiler: the step takes at most as long in %d of %d "+
		"comparisons, at most half the memory in %d", quick, all, small)
}
