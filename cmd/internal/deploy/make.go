package deploy

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/search/data"
)

// WarnUnfinished says of a run that it has epochs left.
func (t *Trained) WarnUnfinished(p *terminal.Console, run string) {
	if t.epochs < t.Settings.Retraining.Epochs {
		p.Warn("%s was trained for %d of %d epochs", run, t.epochs, t.Settings.Retraining.Epochs)
	}
}

// Make makes, verifies and measures the forms that are asked for.
func (x *Exporter) Make(ctx context.Context, forms []string, calibration, testing int) ([]*Form,
	error) {
	var list []*Form
	for _, f := range forms {
		x.console.Say("making and verifying the %s form", f)
		var v *Form
		var err error
		switch f {
		case "fp16":
			v, err = x.fp16(ctx)
		case "int8":
			v, err = x.int8(ctx, calibration)
		default:
			v, err = x.FP32(ctx)
		}
		if err == nil {
			err = x.measure(ctx, v, x.test.Head(testing))
		}
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// Runs of one image of which the median is the latency, after some that warm up.
const (
	warmRuns  = 5
	timedRuns = 31
)

// measure fills in accuracy and latency.
func (x *Exporter) measure(ctx context.Context, v *Form, test *data.Set) error {
	m, err := NewModel(v.Model, x.options())
	if err != nil {
		return err
	}
	defer m.Close()
	if v.accuracy, err = Evaluate(ctx, m.Logits(ctx), m.View(test), x.console); err != nil {
		return err
	}
	image := make([]float32, test.Pixels())
	var times []time.Duration
	for i := range warmRuns + timedRuns {
		start := time.Now()
		if _, err := m.run(ctx, image); err != nil {
			return err
		}
		if i >= warmRuns {
			times = append(times, time.Since(start))
		}
	}
	slices.Sort(times)
	v.latency = times[len(times)/2]
	return nil
}

// variantRow is a variant in the JSON result.
type variantRow struct {
	File       string  `json:"file"`
	Precision  string  `json:"precision"`
	Bytes      int     `json:"bytes"`
	Parameters int     `json:"parameters"`
	MACs       int     `json:"macs"`
	FLOPs      int     `json:"flops"`
	Peak       int     `json:"predicted_peak_bytes"` // of a run on one image
	Latency    float64 `json:"latency_ms"`
	Images     int     `json:"test_images"`
	Accuracy   float64 `json:"accuracy"`
	Deviation  float64 `json:"deviation"`
}

// Print prints what the forms cost and what they are worth.
func Print(p *terminal.Console, out string, list []*Form) error {
	var rows []variantRow
	var cells [][]string
	for _, v := range list {
		r := variantRow{FileName(out, v.Precision), v.Precision, len(v.Model), v.cost.Parameters,
			v.cost.MACs, 2 * v.cost.MACs, v.peak, v.latency.Seconds() * 1e3, v.accuracy.images, v.accuracy.top1(),
			v.worst}
		rows = append(rows, r)
		cells = append(cells, []string{r.File, r.Precision, terminal.MB(r.Bytes), fmt.Sprint(r.Parameters),
			fmt.Sprintf("%.1f", float64(r.MACs)/1e6), fmt.Sprintf("%.1f", float64(r.FLOPs)/1e6),
			terminal.MB(r.Peak), fmt.Sprintf("%.2f", r.Latency), Percent(r.Accuracy), fmt.Sprintf("%.1e", r.Deviation)})
	}
	err := p.Table([]string{"file", "form", "MB", "parameters", "million MACs", "million FLOPs",
		"MB at work", "ms an image", "accuracy", "deviation"}, cells)
	if err != nil {
		return err
	}
	p.Result("accuracy on %d test images; memory at work predicted for one image; latency of one image, median of %d runs; deviation of the "+
		"logits from the training graph's", rows[0].Images, timedRuns)
	for _, r := range rows[1:] {
		p.Result("%s: accuracy drops by %.2f points", r.Precision, 100*(rows[0].Accuracy-r.Accuracy))
	}
	return p.Value(map[string]any{"variants": rows})
}

// Percent prints a fraction as a percentage with two decimals.
func Percent(x float64) string { return fmt.Sprintf("%.2f %%", 100*x) }

// FileName is where a form is written: fp16 of model.onnx is model.fp16.onnx.
func FileName(out, precision string) string {
	if precision == "fp32" {
		return out
	}
	extension := filepath.Ext(out)
	return strings.TrimSuffix(out, extension) + "." + precision + extension
}

// MayWrite reports early what would fail after all the work.
func MayWrite(out string, forms []string, force bool) error {
	if info, err := os.Stat(filepath.Dir(out)); err != nil || !info.IsDir() {
		return fmt.Errorf("--out %s: there is no folder %s", out, filepath.Dir(out))
	}
	for _, f := range forms {
		name := FileName(out, f)
		if info, err := os.Stat(name); err == nil && (info.IsDir() || !force) {
			return fmt.Errorf("%s exists: choose another --out, or --force to replace a file", name)
		}
	}
	return nil
}
