package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/onnx"
	"zos-ort/ort"
	"zos-ort/search/data"
)

func exportCommand() *cli.Command {
	return &cli.Command{
		Name:  "export",
		Usage: "write a trained network for deployment",
		Description: "Takes the run directory of a retraining and writes ONNX files of standard operators, " +
			"with the batch norms folded into the convolutions and any batch size. Each file is run on test " +
			"images and compared with the training graph before it is written.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "run", Usage: "run `DIR` of zos-ort retrain"},
			&cli.StringFlag{Name: "out", Value: "model.onnx",
				Usage: "`FILE` to write; the other forms get .fp16 and .int8 into their names"},
			&cli.BoolFlag{Name: "force", Usage: "replace files that exist"},
			&cli.BoolFlag{Name: "raw", Usage: "take normalised images instead of RGB in [0,1]"},
			&cli.BoolFlag{Name: "softmax", Usage: "give probabilities instead of logits"},
			&cli.BoolFlag{Name: "fp16", Usage: "also write the form in half precision"},
			&cli.BoolFlag{Name: "int8", Usage: "also write the form in 8 bits (static quantisation, QDQ)"},
			&cli.IntFlag{Name: "calibration-images", Value: 256,
				Usage: "training images that give the ranges of the 8-bit form"},
			&cli.IntFlag{Name: "test-images", Value: 1000, Usage: "test images that accuracy is measured on"},
			&cli.StringFlag{Name: "data", DefaultText: "where the run found it",
				Usage: "`DIR` with the images of the run"},
			&cli.StringFlag{Name: "training", Usage: "instead write `DIR` for fine-tuning with ONNX Runtime's " +
				"on-device training"},
			&cli.StringFlag{Name: "optimizer", Value: string(onnx.AdamW),
				Usage: "optimizer of --training: adamw, or sgd (without momentum)"},
			&cli.BoolFlag{Name: "json", Usage: "print the result as JSON, nothing else"},
			&cli.BoolFlag{Name: "quiet", Usage: "print errors only"},
		},
		Before: noArguments,
		Action: exportAction,
	}
}

// exportForms checks the flags and says which forms are wanted.
func exportForms(c *cli.Context) (forms []string, err error) {
	if c.IsSet("optimizer") {
		return nil, terminal.Usagef("--optimizer is for --training, a deployed network has none")
	}
	for _, name := range []string{"calibration-images", "test-images"} {
		if c.Int(name) < 1 {
			return nil, terminal.Usagef("--%s must be positive, got %d", name, c.Int(name))
		}
	}
	forms = []string{"fp32"}
	for _, f := range []string{"fp16", "int8"} {
		if c.Bool(f) {
			forms = append(forms, f)
		}
	}
	return forms, mayWrite(c.String("out"), forms, c.Bool("force"))
}

func exportAction(c *cli.Context) error {
	if c.String("run") == "" {
		return terminal.Usagef("--run is missing: give the run directory of a retraining")
	}
	if c.IsSet("training") {
		return exportForTraining(c)
	}
	forms, err := exportForms(c)
	if err != nil {
		return err
	}
	t, err := openTrained(c.String("run"))
	if err != nil {
		return err
	}
	p := newConsole(c)
	t.warnUnfinished(p, c.String("run"))
	train, test, err := t.images(c.Context, c.String("data"), p)
	if err != nil {
		return err
	}
	if err := ort.Open(""); err != nil {
		return err
	}
	x := newExporter(t, train, test, c.Bool("raw"), c.Bool("softmax"), p)
	list, err := x.make(c.Context, forms, c.Int("calibration-images"), c.Int("test-images"))
	if err != nil {
		return err
	}
	for _, v := range list {
		name := formName(c.String("out"), v.precision)
		if err := renameio.WriteFile(name, v.model, 0o644); err != nil {
			return fmt.Errorf("save %s: %w", name, err)
		}
	}
	return variantTable(p, c.String("out"), list)
}

// warnUnfinished says of a run that it has epochs left.
func (t *trained) warnUnfinished(p *terminal.Console, run string) {
	if t.epochs < t.settings.Epochs {
		p.Warn("%s was trained for %d of %d epochs", run, t.epochs, t.settings.Epochs)
	}
}

// formName is where a form is written: fp16 of model.onnx is model.fp16.onnx.
func formName(out, precision string) string {
	if precision == "fp32" {
		return out
	}
	extension := filepath.Ext(out)
	return strings.TrimSuffix(out, extension) + "." + precision + extension
}

// mayWrite reports early what would fail after all the work.
func mayWrite(out string, forms []string, force bool) error {
	if info, err := os.Stat(filepath.Dir(out)); err != nil || !info.IsDir() {
		return fmt.Errorf("--out %s: there is no folder %s", out, filepath.Dir(out))
	}
	for _, f := range forms {
		name := formName(out, f)
		if info, err := os.Stat(name); err == nil && (info.IsDir() || !force) {
			return fmt.Errorf("%s exists: choose another --out, or --force to replace a file", name)
		}
	}
	return nil
}

// make makes, verifies and measures the forms that are asked for.
func (x *exporter) make(ctx context.Context, forms []string, calibration, testing int) ([]*variant,
	error) {
	var list []*variant
	for _, f := range forms {
		x.console.Say("making and verifying the %s form", f)
		var v *variant
		var err error
		switch f {
		case "fp16":
			v, err = x.fp16(ctx)
		case "int8":
			v, err = x.int8(ctx, calibration)
		default:
			v, err = x.fp32(ctx)
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
func (x *exporter) measure(ctx context.Context, v *variant, test *data.Set) error {
	m, err := newDeployed(v.model, x.options())
	if err != nil {
		return err
	}
	defer m.close()
	if v.accuracy, err = evaluate(ctx, m.logits(ctx), m.view(test), x.console); err != nil {
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
	Latency    float64 `json:"latency_ms"`
	Images     int     `json:"test_images"`
	Accuracy   float64 `json:"accuracy"`
	Deviation  float64 `json:"deviation"`
}

// variantTable prints what the forms cost and what they are worth.
func variantTable(p *terminal.Console, out string, list []*variant) error {
	var rows []variantRow
	var cells [][]string
	for _, v := range list {
		r := variantRow{formName(out, v.precision), v.precision, len(v.model), v.cost.Parameters,
			v.cost.MACs, 2 * v.cost.MACs, v.latency.Seconds() * 1e3, v.accuracy.images, v.accuracy.top1(),
			v.worst}
		rows = append(rows, r)
		cells = append(cells, []string{r.File, r.Precision, terminal.MB(r.Bytes), fmt.Sprint(r.Parameters),
			fmt.Sprintf("%.1f", float64(r.MACs)/1e6), fmt.Sprintf("%.1f", float64(r.FLOPs)/1e6),
			fmt.Sprintf("%.2f", r.Latency), percent(r.Accuracy), fmt.Sprintf("%.1e", r.Deviation)})
	}
	err := p.Table([]string{"file", "form", "MB", "parameters", "million MACs", "million FLOPs",
		"ms an image", "accuracy", "deviation"}, cells)
	if err != nil {
		return err
	}
	p.Result("accuracy on %d test images; latency of one image, median of %d runs; deviation of the "+
		"logits from the training graph's", rows[0].Images, timedRuns)
	for _, r := range rows[1:] {
		p.Result("%s: accuracy drops by %.2f points", r.Precision, 100*(rows[0].Accuracy-r.Accuracy))
	}
	return p.Value(map[string]any{"variants": rows})
}

func percent(x float64) string { return fmt.Sprintf("%.2f %%", 100*x) }
