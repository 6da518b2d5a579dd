package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"zos-ort/models/file"

	"zos-ort/cmd/internal/deploy"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/onnx"
	"zos-ort/ort"
)

func exportCommand() *cli.Command {
	return &cli.Command{
		Name:  "export",
		Usage: "write a trained network for deployment",
		Description: "Takes the run directory of a retraining and writes ONNX files of standard operators, " +
			"with the batch norms folded into the convolutions and any batch size. Each file is run on test " +
			"images and compared with the training graph before it is written. MODEL_CARD.md beside them says what they are.",
		Flags: append([]cli.Flag{
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
		}, settings.Report()...),
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
	if err := deploy.MayWrite(c.String("out"), forms, c.Bool("force")); err != nil {
		return nil, err
	}
	return forms, deploy.MayWriteCard(c.String("out"), c.Bool("force"))
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
	t, err := deploy.Open(c.String("run"))
	if err != nil {
		return err
	}
	p := newConsole(c)
	t.WarnUnfinished(p, c.String("run"))
	train, test, err := t.Images(c.Context, c.String("data"), p)
	if err != nil {
		return err
	}
	if err := ort.Open(""); err != nil {
		return err
	}
	x := deploy.NewExporter(t, train, test, c.Bool("raw"), c.Bool("softmax"), p)
	list, err := x.Make(c.Context, forms, c.Int("calibration-images"), c.Int("test-images"))
	if err != nil {
		return err
	}
	for _, v := range list {
		name := deploy.FileName(c.String("out"), v.Precision)
		if err := file.Write(name, v.Model, 0o644); err != nil {
			return fmt.Errorf("save %s: %w", name, err)
		}
	}
	card, err := x.Card(c.String("out"), list)
	if err != nil {
		return err
	}
	if err := file.Write(deploy.CardPath(c.String("out")), card, 0o644); err != nil {
		return fmt.Errorf("save the model card: %w", err)
	}
	return deploy.Print(p, c.String("out"), list)
}

// exportForTraining is the action of export --training.
func exportForTraining(c *cli.Context) error {
	if err := goesWith(c, "training", "run", "optimizer", "raw"); err != nil {
		return err
	}
	k := onnx.Optimizer(c.String("optimizer"))
	if k != onnx.AdamW && k != onnx.PlainSGD {
		return terminal.Usagef("--optimizer is %s or %s, got %q", onnx.AdamW, onnx.PlainSGD, k)
	}
	t, err := deploy.Open(c.String("run"))
	if err != nil {
		return err
	}
	p := newConsole(c)
	t.WarnUnfinished(p, c.String("run"))
	dir, err := rundir.Create(c.String("training"), "export")
	if err != nil {
		return err
	}
	x := deploy.NewExporter(t, nil, nil, c.Bool("raw"), false, p)
	if err := deploy.WriteTraining(dir, t.Net(), x.Form, t.Tensors(), k, x.Metadata("fp32")); err != nil {
		return err
	}
	p.Result("written to %s: %s; inputs image[N,3,%d,%d], %s, and labels[N]", dir,
		strings.Join(deploy.TrainingFiles, ", "), x.Form.Size, x.Form.Size, x.Input())
	return p.Value(map[string]any{"training": dir, "optimizer": k, "image_size": x.Form.Size,
		"input": x.Input(), "classes": t.Settings.Images.Classes})
}
