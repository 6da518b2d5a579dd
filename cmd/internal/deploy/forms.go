package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/deploy"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/onnx"
	"zos-ort/graphgen/plan"
	"zos-ort/models/network"
	"zos-ort/ort"
	"zos-ort/search/data"
)

// Form is one form of a deployed network.
type Form struct {
	Precision string // fp32, fp16, int8
	cost      deploy.Cost
	peak      int // bytes that a run on one image takes, predicted
	Model     []byte
	worst     float64 // deviation from the training graph's logits; see deviation
	latency   time.Duration
	accuracy  *Accuracy
}

// Largest deviation from the training graph's logits that a variant may have. That of int8 is for the
// user to judge, by the accuracy.
var tolerances = map[string]float64{"fp32": 1e-4, "fp16": 1e-2, "int8": math.Inf(1)}

// verifyImages is how many test images a variant is compared on.
const verifyImages = 64

// Exporter makes deployment files of a trained network.
type Exporter struct {
	*Trained
	Form        network.Deployment
	train, test *data.Set
	console     *terminal.Console
}

// NewExporter exports t: train calibrates int8, test is what every form is checked on.
func NewExporter(t *Trained, train, test *data.Set, raw, softmax bool, p *terminal.Console) *Exporter {
	s := t.Settings
	return &Exporter{Trained: t, train: train, test: test, console: p,
		Form: network.Deployment{Size: s.Images.Size, Mean: s.Images.Mean, Std: s.Images.Std, Raw: raw, Softmax: softmax}}
}

// FP32 makes the plain form.
func (x *Exporter) FP32(ctx context.Context) (*Form, error) {
	g, err := x.graph()
	if err != nil {
		return nil, err
	}
	return x.finish(ctx, "fp32", g)
}

// fp16 makes the form with weights and arithmetic in half precision.
func (x *Exporter) fp16(ctx context.Context) (*Form, error) {
	g, err := x.graph()
	if err != nil {
		return nil, err
	}
	if g, err = deploy.Half(g); err != nil {
		return nil, err
	}
	return x.finish(ctx, "fp16", g)
}

// int8 makes the form in 8 bits, with the ranges that the activations have on the first training
// images.
func (x *Exporter) int8(ctx context.Context, images int) (*Form, error) {
	ranges, err := x.calibrate(ctx, x.train.Head(images))
	if err != nil {
		return nil, fmt.Errorf("calibration: %w", err)
	}
	g, err := x.graph()
	if err != nil {
		return nil, err
	}
	if err := deploy.Quantize(g, ranges); err != nil {
		return nil, err
	}
	return x.finish(ctx, "int8", g)
}

// graph is a fresh graph of the network, for the rewrites work in place.
func (x *Exporter) graph() (*ir.Graph, error) { return x.Net().Deploy(x.Tensors(), x.Form) }

// finish serialises a graph and compares it with the training graph.
func (x *Exporter) finish(ctx context.Context, precision string, g *ir.Graph) (*Form, error) {
	v := &Form{Precision: precision, peak: plan.Of(g).Total()}
	plain, err := x.graph()
	if err != nil {
		return nil, err
	}
	v.cost = deploy.Count(plain)
	if v.Model, err = File(g, "Network trained by zos-ort. Input: "+x.Input()+", NCHW.",
		x.Metadata(precision)); err != nil {
		return nil, err
	}
	if err := x.verify(ctx, v); err != nil {
		return nil, fmt.Errorf("%s: %w", precision, err)
	}
	return v, nil
}

// Input names the input of the exported models.
func (x *Exporter) Input() string {
	if x.Form.Raw {
		return normalizedInput
	}
	return unitInput
}

// Metadata says how the network came about and what it wants.
func (x *Exporter) Metadata(precision string) map[string]string {
	s := x.Settings
	text := func(v any) string {
		b, _ := json.Marshal(v) // of plain settings
		return string(b)
	}
	m := map[string]string{labelsKey: text(s.Images.Labels), inputKey: x.Input(),
		normalizationKey: text(normalization{s.Images.Mean, s.Images.Std}), "zos.genotype": s.Retraining.Genotype.String(),
		"zos.training": text(map[string]any{"preset": s.Preset, "epochs": x.epochs, "batch": s.Retraining.Batch,
			"lr": s.Retraining.Rate, "drop_path": s.Retraining.DropPath, "pad": s.Retraining.Pad, "cutout": s.Retraining.Cutout, "channels": s.Retraining.Channels,
			"cells": s.Retraining.Cells, "auxiliary": s.Retraining.Auxiliary, "train_images": s.Images.Train}),
		"zos.data": s.Images.Name + " " + s.Images.Fingerprint, "zos.seed": fmt.Sprint(s.Seed),
		"zos.test_accuracy": terminal.Number(x.Trained.accuracy), "zos.precision": precision,
		"zos.trained": "true", "zos.opset": fmt.Sprint(onnx.Opset),
		"Image.BitmapPixelFormat": "Rgb8", "Image.ColorSpaceGamma": "SRGB"}
	if !x.Form.Raw {
		m["Image.NominalPixelRange"] = "Normalized_0_1"
	}
	return m
}

// SessionOptions make sessions run as a user's do, with all optimisations.
func SessionOptions(threads int) ort.Options {
	return ort.Options{Threads: threads, Optimization: ort.All, MemPattern: true, CPUArena: true}
}

func (x *Exporter) options() ort.Options { return SessionOptions(x.Settings.Device.Threads) }

// verify runs a variant and the training graph on the same test images.
func (x *Exporter) verify(ctx context.Context, v *Form) error {
	m, err := NewModel(v.Model, x.options())
	if err != nil {
		return err
	}
	defer m.Close()
	want, err := x.logits(ctx)
	if err != nil {
		return err
	}
	if x.Form.Softmax {
		want = softmax(want, x.Settings.Images.Classes)
	}
	var got []float32
	run := func(images []float32) ([]float32, error) { return m.run(ctx, images) }
	err = eachBatch(ctx, run, m.View(x.test.Head(verifyImages)), x.console,
		func(_ *data.Batch, scores []float32) { got = append(got, scores...) })
	if err != nil {
		return err
	}
	if v.worst = deviation(got, want); !(v.worst <= tolerances[v.Precision]) {
		return fmt.Errorf("the exported model differs by %.2g from the trained one on test images, more than "+
			"%g: nothing is written", v.worst, tolerances[v.Precision])
	}
	return nil
}

// logits computes what the training graph gives with running statistics.
func (x *Exporter) logits(ctx context.Context) (all []float32, err error) {
	score, closeAll, err := x.run()
	if err != nil {
		return nil, err
	}
	defer closeAll()
	err = eachBatch(ctx, score, x.test.Head(verifyImages), x.console,
		func(_ *data.Batch, scores []float32) { all = append(all, scores...) })
	return all, err
}

// deviation is the largest difference, relative to numbers beyond 1.
func deviation(got, want []float32) (worst float64) {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	for i := range want {
		d := math.Abs(float64(got[i])-float64(want[i])) / max(1, math.Abs(float64(want[i])))
		if math.IsNaN(d) {
			return math.Inf(1)
		}
		worst = max(worst, d)
	}
	return worst
}

// File is the file of a graph with a free batch dimension.
func File(g *ir.Graph, doc string, meta map[string]string) ([]byte, error) {
	m, err := onnx.Model(g, onnx.Options{Batch: "N", ProducerVersion: settings.Program, Doc: doc, Metadata: meta})
	if err != nil {
		return nil, err
	}
	return onnx.Bytes(m)
}
