package bench

import (
	"fmt"
	"slices"

	"zos-ort/cmd/internal/terminal"
)

// spread are the order statistics of some times, in seconds.
type spread struct {
	Fastest float64 `json:"fastest"`
	Lower   float64 `json:"lower_quartile"`
	Median  float64 `json:"median"`
	Upper   float64 `json:"upper_quartile"`
	N       int     `json:"n"`
}

func spreadOf(seconds []float64) spread {
	x := slices.Sorted(slices.Values(seconds))
	quantile := func(p float64) float64 { // linear between the order statistics, as in R and numpy
		at := p * float64(len(x)-1)
		i := int(at)
		return x[i] + (at-float64(i))*(x[min(i+1, len(x)-1)]-x[i])
	}
	return spread{Fastest: x[0], Lower: quantile(.25), Median: quantile(.5), Upper: quantile(.75),
		N: len(x)}
}

// String is fastest, median and quartiles in milliseconds.
func (s spread) String() string {
	return fmt.Sprintf("%.1f  %.1f [%.1f, %.1f]", 1e3*s.Fastest, 1e3*s.Median, 1e3*s.Lower,
		1e3*s.Upper)
}

// benchRow is a program of a case with both sides summed up. A side that has no times is left out.
type benchRow struct {
	benchResult
	Ours  *spread `json:"zos_ort,omitempty"`
	Mode  string  `json:"peer_mode,omitempty"` // the peer's with the fastest step
	Peer  *spread `json:"peer,omitempty"`
	Ratio *struct {
		Fastest float64 `json:"fastest"`
		Median  float64 `json:"median"`
	} `json:"ratio,omitempty"` // ours to the peer's
	Against []gpuRatio `json:"against,omitempty"` // every mode of the peer, on a GPU
}

func rowOf(r benchResult) benchRow {
	row := benchRow{benchResult: r}
	for _, s := range r.Sides {
		if len(s.Seconds) == 0 {
			continue
		}
		switch p := spreadOf(s.Seconds); {
		case s.Side == ours:
			row.Ours = &p
		case row.Peer == nil || p.Fastest < row.Peer.Fastest:
			row.Mode, row.Peer = s.Side, &p
		}
	}
	if row.Ours != nil && row.Peer != nil {
		row.Ratio = &struct {
			Fastest float64 `json:"fastest"`
			Median  float64 `json:"median"`
		}{row.Ours.Fastest / row.Peer.Fastest, row.Ours.Median / row.Peer.Median}
	}
	if r.c.Device.GPU {
		row.Against = r.against()
	}
	return row
}

// benchReport is what bench prints with --json.
type benchReport struct {
	Program   string `json:"program"`             // version of zos-ort, with its commit
	Machine   string `json:"machine"`             // processor
	CPUs      int    `json:"processors"`          // that the process may use
	Date      string `json:"date"`                // RFC 3339, of the start
	Torch     string `json:"torch"`               // version of PyTorch; empty: no peer
	Kernels   string `json:"kernels,omitempty"`   // ours, on the CPU
	Device    string `json:"device,omitempty"`    // a GPU
	Precision string `json:"precision,omitempty"` // of its arithmetic
	// What computes cells on a GPU, and whether steps are CUDA graphs: the values of --gpu-kernels and --cuda-graphs.
	GPUKernels string     `json:"gpu_kernels,omitempty"`
	CUDAGraphs string     `json:"cuda_graphs,omitempty"`
	Rows       []benchRow `json:"rows"`
	Skipped    []string   `json:"skipped"`
}

// print prints the table of the device, and the report for machines.
func (r benchReport) print(p *terminal.Console) error {
	table := r.cpuTable
	if r.Device != "" {
		table = r.gpuTable
	}
	if err := table(p); err != nil {
		return err
	}
	for _, s := range r.Skipped {
		p.Say("no time was left for %s: raise --minutes", s)
	}
	return p.Value(r)
}

func (r benchReport) cpuTable(p *terminal.Console) error {
	header := []string{"method", "batch", "threads", "program", "zos-ort: ms"}
	if r.Torch != "" {
		header = append(header, "PyTorch: ms", "its best mode", "ratio")
	}
	var cells [][]string
	for _, row := range r.Rows {
		line := []string{row.Method, fmt.Sprint(row.Batch), fmt.Sprint(row.Threads), row.benchResult.Program,
			row.Ours.String()}
		switch {
		case row.Peer != nil:
			line = append(line, row.Peer.String(), row.Mode,
				fmt.Sprintf("%.2f  %.2f", row.Ratio.Fastest, row.Ratio.Median))
		case r.Torch != "":
			line = append(line, "-", "-", "-")
		}
		cells = append(cells, line)
	}
	peer := ""
	if r.Torch != "" {
		peer = ", PyTorch " + r.Torch
	}
	p.Result("zos-ort %s%s on %s (%s), %s", r.Program, peer, r.Machine, terminal.Count(r.CPUs, "processor"), r.Date)
	p.Result("one step: fastest, median [quartiles]; ratio of the fastest and of the medians; kernels %s",
		r.Kernels)
	return p.Table(header, cells)
}
