package main

import (
	"bytes"
	"fmt"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/graphgen/onnx"
	"zos-ort/models/network"
	"zos-ort/ort"
)

// Files of a folder for on-device training, named as ONNX Runtime's own tools name them.
const (
	trainingModelFile  = "training_model.onnx"
	evalModelFile      = "eval_model.onnx"
	optimizerModelFile = "optimizer_model.onnx"
	checkpointFile     = "checkpoint"
)

// exportForTraining is the action of export --training.
func exportForTraining(c *cli.Context) error {
	if err := goesWith(c, "training", "run", "optimizer", "raw"); err != nil {
		return err
	}
	k := onnx.Optimizer(c.String("optimizer"))
	if k != onnx.AdamW && k != onnx.PlainSGD {
		return terminal.Usagef("--optimizer is %s or %s, got %q", onnx.AdamW, onnx.PlainSGD, k)
	}
	t, err := openTrained(c.String("run"))
	if err != nil {
		return err
	}
	p := newConsole(c)
	t.warnUnfinished(p, c.String("run"))
	dir, err := rundir.Create(c.String("training"), "export")
	if err != nil {
		return err
	}
	x := newExporter(t, nil, nil, c.Bool("raw"), false, p)
	if err := exportTraining(dir, t.net(), x.form, t.tensors(), k, x.metadata("fp32")); err != nil {
		return err
	}
	p.Result("written to %s: %s, %s, %s and %s; inputs image[N,3,%d,%d], %s, and labels[N]", dir,
		trainingModelFile, evalModelFile, optimizerModelFile, checkpointFile, x.form.Size, x.form.Size,
		x.input())
	return p.Value(map[string]any{"training": dir, "optimizer": k, "image_size": x.form.Size,
		"input": x.input(), "classes": t.settings.Classes})
}

// exportTraining writes a trained network for further training by any binding of ONNX Runtime's
// on-device training.
func exportTraining(dir rundir.Dir, net network.Config, form network.Deployment, t graphgen.Tensors,
	k onnx.Optimizer, meta map[string]string) error {
	f, err := net.FineTune(form)
	if err != nil {
		return err
	}
	o := onnx.Options{ProducerVersion: version, Metadata: meta,
		Doc: "Network trained by zos-ort, to be trained on with ONNX Runtime. Input: RGB, NCHW."}
	train, eval, err := f.Models(o)
	if err != nil {
		return err
	}
	m, err := k.Model(o)
	if err != nil {
		return err
	}
	optimizer, err := onnx.Bytes(m)
	if err != nil {
		return err
	}
	params, err := fineTuneParams(f, t)
	if err != nil {
		return err
	}
	var checkpoint bytes.Buffer
	if err := ort.WriteCheckpoint(&checkpoint, params); err != nil {
		return err
	}
	for _, file := range []struct {
		name    string
		content []byte
	}{{trainingModelFile, train}, {evalModelFile, eval}, {optimizerModelFile, optimizer},
		{checkpointFile, checkpoint.Bytes()}} {
		if err := dir.Write(file.name, file.content); err != nil {
			return err
		}
	}
	return nil
}

// fineTuneParams are the tensors of the checkpoint.
func fineTuneParams(f *graphgen.FineTune, t graphgen.Tensors) ([]ort.Param, error) {
	params := make([]ort.Param, len(f.Params))
	for i, p := range f.Params {
		params[i] = ort.Param{Name: p.Name, Shape: p.Shape, Data: t[p.Name], Trainable: p.Trainable}
		if len(t[p.Name]) != p.Len() {
			return nil, fmt.Errorf("export: tensor %s has %d numbers, the network needs %d", p.Name,
				len(t[p.Name]), p.Len())
		}
	}
	return params, nil
}
