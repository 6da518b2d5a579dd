package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/deploy"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/onnx"
	"zos-ort/models/network"
	"zos-ort/ort"
	"zos-ort/search/data"
)

// variant is one form of a deployed network.
type variant struct {
	precision string // fp32, fp16, int8
	cost      deploy.Cost
	model     []byte
	worst     float64 // deviation from the training graph's logits; see deviation
	latency   time.Duration
	accuracy  *accuracy
}

// Largest deviation from the training graph's logits that a variant may have. That of int8 is for the
// user to judge, by the accuracy.
var tolerances = map[string]float64{"fp32": 1e-4, "fp16": 1e-2, "int8": math.Inf(1)}

// verifyImages is how many test images a variant is compared on.
const verifyImages = 64

// exporter makes deployment files of a trained network.
type exporter struct {
	*trained
	form        network.Deployment
	train, test *data.Set
	console     *terminal.Console
}

func newExporter(t *trained, train, test *data.Set, raw, softmax bool, p *terminal.Console) *exporter {
	s := t.settings
	return &exporter{trained: t, train: train, test: test, console: p,
		form: network.Deployment{Size: s.ImageSize, Mean: s.Mean, Std: s.Std, Raw: raw, Softmax: softmax}}
}

// fp32 makes the plain form.
func (x *exporter) fp32(ctx context.Context) (*variant, error) {
	g, err := x.graph()
	if err != nil {
		return nil, err
	}
	return x.finish(ctx, "fp32", g)
}

// fp16 makes the form with weights and arithmetic in half precision.
func (x *exporter) fp16(ctx context.Context) (*variant, error) {
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
func (x *exporter) int8(ctx context.Context, images int) (*variant, error) {
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
func (x *exporter) graph() (*ir.Graph, error) { return x.net().Deploy(x.tensors(), x.form) }

// finish serialises a graph and compares it with the training graph.
func (x *exporter) finish(ctx context.Context, precision string, g *ir.Graph) (*variant, error) {
	v := &variant{precision: precision}
	plain, err := x.graph()
	if err != nil {
		return nil, err
	}
	v.cost = deploy.Count(plain)
	if v.model, err = modelBytes(g, "Network trained by zos-ort. Input: "+x.input()+", NCHW.",
		x.metadata(precision)); err != nil {
		return nil, err
	}
	if err := x.verify(ctx, v); err != nil {
		return nil, fmt.Errorf("%s: %w", precision, err)
	}
	return v, nil
}

func (x *exporter) input() string {
	if x.form.Raw {
		return normalizedInput
	}
	return unitInput
}

// metadata says how the network came about and what it wants.
func (x *exporter) metadata(precision string) map[string]string {
	s := x.settings
	text := func(v any) string {
		b, _ := json.Marshal(v) // of plain settings
		return string(b)
	}
	m := map[string]string{labelsKey: text(s.Labels), inputKey: x.input(),
		normalizationKey: text(normalization{s.Mean, s.Std}), "zos.genotype": s.Genotype.String(),
		"zos.training": text(map[string]any{"preset": s.Preset, "epochs": x.epochs, "batch": s.Batch,
			"lr": s.LR, "drop_path": s.DropPath, "pad": s.Pad, "cutout": s.Cutout, "channels": s.Channels,
			"cells": s.Cells, "auxiliary": s.Auxiliary, "train_images": s.TrainImages}),
		"zos.data": s.DataName + " " + s.Fingerprint, "zos.seed": fmt.Sprint(s.Seed),
		"zos.test_accuracy": terminal.Number(x.trained.accuracy), "zos.precision": precision,
		"zos.trained": "true", "zos.opset": fmt.Sprint(onnx.Opset),
		"Image.BitmapPixelFormat": "Rgb8", "Image.ColorSpaceGamma": "SRGB"}
	if !x.form.Raw {
		m["Image.NominalPixelRange"] = "Normalized_0_1"
	}
	return m
}

// options are those of sessions that run as a user's do: with all optimisations.
func (x *exporter) options() ort.Options {
	return ort.Options{Threads: x.settings.Threads, Optimization: ort.All, MemPattern: true, CPUArena: true}
}

// verify runs a variant and the training graph on the same test images.
func (x *exporter) verify(ctx context.Context, v *variant) error {
	m, err := newDeployed(v.model, x.options())
	if err != nil {
		return err
	}
	defer m.close()
	want, err := x.logits(ctx)
	if err != nil {
		return err
	}
	if x.form.Softmax {
		want = softmax(want, x.settings.Classes)
	}
	var got []float32
	run := func(images []float32) ([]float32, error) { return m.run(ctx, images) }
	err = eachBatch(ctx, run, m.view(x.test.Head(verifyImages)), x.console,
		func(_ *data.Batch, scores []float32) { got = append(got, scores...) })
	if err != nil {
		return err
	}
	if v.worst = deviation(got, want); !(v.worst <= tolerances[v.precision]) {
		return fmt.Errorf("the exported model differs by %.2g from the trained one on test images, more than "+
			"%g: nothing is written", v.worst, tolerances[v.precision])
	}
	return nil
}

// logits are those of the training graph with running statistics.
func (x *exporter) logits(ctx context.Context) (all []float32, err error) {
	score, closeAll, err := x.open()
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

// modelBytes is the file of a graph with a free batch dimension.
func modelBytes(g *ir.Graph, doc string, meta map[string]string) ([]byte, error) {
	m, err := onnx.Model(g, onnx.Options{Batch: "N", ProducerVersion: version, Doc: doc, Metadata: meta})
	if err != nil {
		return nil, err
	}
	return onnx.Bytes(m)
}
