package deploy

import (
	"bytes"
	"fmt"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
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

// TrainingFiles are the names of those files.
var TrainingFiles = []string{trainingModelFile, evalModelFile, optimizerModelFile, checkpointFile}

// WriteTraining writes a trained network for further training by any binding of ONNX Runtime's
// on-device training.
func WriteTraining(dir rundir.Dir, net network.Config, form network.Deployment, t graphgen.Tensors,
	k onnx.Optimizer, meta map[string]string) error {
	f, err := net.FineTune(form)
	if err != nil {
		return err
	}
	o := onnx.Options{ProducerVersion: settings.Program, Metadata: meta,
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
