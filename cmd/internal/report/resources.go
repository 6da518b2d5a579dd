package report

import (
	"strconv"
	"strings"

	"zos-ort/cmd/internal/terminal"
)

// result is what all results of runs have in common, as result.json holds it.
type result struct {
	ValidAcc  *float64 `json:"valid_accuracy"`
	TestAcc   *float64 `json:"test_accuracy"`
	PeakRSS   int64    `json:"peak_rss_bytes"`
	Predicted int      `json:"predicted_peak_bytes"`
	Network   *struct {
		Parameters int     `json:"parameters"`
		MACs       int     `json:"macs"`
		Bytes      int     `json:"bytes"`
		Latency    float64 `json:"latency_ms"`
	} `json:"network"`
	GPU *struct {
		Process int64 `json:"process_peak_bytes"`
	} `json:"gpu_memory"`
	// Of an evaluation.
	Top1   *float64 `json:"top1"`
	Top5   *float64 `json:"top5"`
	Images int      `json:"images"`
	Data   string   `json:"data"`
	// Forecast are seconds by part of the run.
	Forecast map[string]float64 `json:"predicted_seconds"`
	// Seconds is an object for a search and a number for a pruning.
	Seconds any `json:"seconds"`
}

// seconds are the parts of a result's time by name.
func (x result) seconds() map[string]float64 {
	switch s := x.Seconds.(type) {
	case float64:
		return map[string]float64{"prune": s}
	case map[string]any:
		parts := map[string]float64{}
		for k, v := range s {
			if n, ok := v.(float64); ok {
				parts[k] = n
			}
		}
		return parts
	}
	return nil
}

// forecast says how long the parts of the run were predicted to take, and took; empty if nothing was predicted.
func (x result) forecast() string {
	took := x.seconds()
	var list []string
	for _, part := range []struct{ name, key string }{{"pruning", "prune"}, {"search", "search"}, {"selection", ""}, {"training", ""}} {
		seconds, ok := x.Forecast[part.name]
		if !ok {
			continue
		}
		text := part.name + " " + terminal.Duration(seconds)
		if t, known := took[part.key]; known {
			text += " (it took " + terminal.Duration(t) + ")"
		}
		list = append(list, text)
	}
	if len(list) == 0 {
		return ""
	}
	return "Predicted before the run began: " + strings.Join(list, ", ") + "."
}

// timeSection draws where the time of every epoch went.
func (r *run) timeSection(f *folder, x result) {
	t, forecast := f.csv("timing.csv"), x.forecast()
	if len(t.rows) == 0 {
		return
	}
	epochs, total := counting(1, len(t.rows)), t.numbers("seconds")
	c := chart{Title: "Seconds per epoch", Kind: bars, XLabel: "epoch", YLabel: "s", X: epochs}
	rest := append([]number(nil), total...)
	for _, part := range []struct{ column, label, color string }{{"weight_steps", "weight steps", "c0"},
		{"alpha_steps", "alpha steps", "c3"}, {"evaluation", "evaluation", "c4"}, {"waiting_for_data", "waiting for images", "c1"}} {
		values := t.numbers(part.column)
		if values == nil {
			continue
		}
		c.Series = append(c.Series, series{Label: part.label, Color: part.color, Values: values})
		for i, v := range values {
			rest[i] = max(0, rest[i]-v)
		}
	}
	other := series{Label: "other", Color: "c7", Values: rest}
	if len(c.Series) == 0 {
		other.Label, other.Color = "epoch", "c0"
	}
	c.Series = append(c.Series, other)
	r.curves.seconds, r.curves.peak = total, scaled(t.numbers("peak_rss_bytes"), 1e-6)
	r.add(&r.Sections, "Time", forecast, c, leftChart(t.numbers("left_seconds"), total, epochs, x))
}

// leftChart draws what was said to be left after every epoch of a finished run, and what was: a straight way down.
func leftChart(said, total, epochs []number, x result) chart {
	if _, more := x.Forecast["selection"]; more || x.Predicted == 0 || len(said) != len(total) {
		return chart{}
	}
	was := make([]number, len(total))
	for i := len(was) - 2; i >= 0; i-- {
		was[i] = was[i+1] + total[i+1]
	}
	return chart{Title: "Time left, as said and as it was", Kind: lines, XLabel: "epoch", YLabel: "s", X: epochs, Zero: true,
		Series: []series{{Label: "said", Values: said}, {Label: "was", Color: "c7", Values: was}}}
}

// memoryLayers are the columns of memory.csv from the bottom up.
var memoryLayers = []string{"fixed", "other", "activations", "gradients", "updates"}

// layerColors are those of the layers of memory.csv.
var layerColors = []string{"c7", "c4", "c0", "c1", "c2"}

// memorySection draws the predicted memory of the programs over a step with what was in use when they ran, and the
// peaks over the epochs.
func (r *run) memorySection(f *folder, x result) {
	t, m := f.csv("memory.csv"), f.csv("memory_measured.csv")
	programs, nodes := t.texts("program"), t.numbers("node")
	var charts []chart
	for from := 0; from < len(t.rows) && nodes != nil; {
		to := from
		for to < len(t.rows) && programs[to] == programs[from] {
			to++
		}
		part := table{t.header, t.rows[from:to]}
		c := chart{Title: "Over a step: " + strings.Replace(programs[from], "eval", "evaluation", 1), Kind: stack, Peak: true, XLabel: "node in order of execution", YLabel: "MB",
			X: nodes[from:to]}
		for i, layer := range memoryLayers {
			values := scaled(part.numbers(layer), 1e-6)
			if largest(values) > 0 {
				c.Series = append(c.Series, series{Label: layer, Color: layerColors[i], Values: values})
			}
		}
		if len(m.rows) == len(t.rows) {
			values := scaled(m.numbers("measured")[from:to], 1e-6)
			c.Series = append(c.Series, series{Label: "measured", Color: "fg", Values: values, Over: true})
		}
		charts = append(charts, c)
		from = to
	}
	charts = append(charts, r.measuredMemory(f, t, x))
	r.add(&r.Sections, "Memory", "Over a step, fixed are weights, momenta, inputs and constants, which stay all the time. Predicted are tensors "+
		"alone; the process also holds the images, the runtime and the program.", charts...)
}

// measuredMemory draws the peaks that were measured so far over the epochs, and the predicted one as a line across.
func (r *run) measuredMemory(f *folder, plan table, x result) chart {
	c := chart{Title: "Peaks, predicted and measured", Kind: lines, XLabel: "epoch", YLabel: "MB", X: r.curves.epochs, Zero: true,
		Series: []series{{Label: "measured: resident size of the process", Values: r.curves.peak}}}
	metrics := f.csv("metrics.csv")
	for _, gpu := range []struct{ column, label string }{{"gpu_pool_peak_bytes", "measured: GPU, tensors"},
		{"gpu_pool_reserved_bytes", "measured: GPU, reserved"}, {"gpu_process_peak_bytes", "measured: GPU, process"}} {
		if values := scaled(metrics.numbers(gpu.column), 1e-6); values != nil {
			c.Series = append(c.Series, series{Label: gpu.label, Values: values})
		}
	}
	if len(c.drawable()) == 0 {
		return chart{}
	}
	predicted := peakOf(plan)
	if predicted == 0 { // a run of an earlier version
		predicted = number(x.Predicted)
	}
	if predicted > 0 {
		line := make([]number, len(c.X))
		for i := range line {
			line[i] = predicted * 1e-6
		}
		c.Series = append(c.Series, series{Label: "predicted: tensors", Values: line, Color: "c7"})
	}
	return c
}

// peakOf is the highest sum of the layers of memory.csv, 0 without rows.
func peakOf(t table) (peak number) {
	sums := make([]number, len(t.rows))
	for _, layer := range memoryLayers {
		for i, x := range t.numbers(layer) {
			sums[i] += x
		}
	}
	if peak = largest(sums); !peak.known() {
		return 0
	}
	return peak
}

func largest(list []number) number {
	top := gap
	for _, x := range list {
		if x.known() && !(x <= top) {
			top = x
		}
	}
	return top
}

// megabytes prints bytes.
func megabytes(bytes float64) string { return strconv.FormatFloat(bytes/1e6, 'f', 1, 64) + " MB" }
