package stages

import (
	"context"

	"zos-ort/cmd/internal/deploy"
	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/ranks"
	"zos-ort/models/space"
	"zos-ort/ort/meter"
	"zos-ort/search/retrain"
)

// RetrainResult is what a retraining reports.
type RetrainResult struct {
	Run       string             `json:"run"`
	Ranks     int                `json:"ranks,omitempty"` // that have shared the run, if there were several
	TestAcc   float64            `json:"test_accuracy"`
	TestLoss  float64            `json:"test_loss"`
	TrainLoss float64            `json:"train_loss"`
	PeakRSS   int64              `json:"peak_rss_bytes"`
	Predicted int                `json:"predicted_peak_bytes"`
	Forecast  map[string]float64 `json:"predicted_seconds,omitempty"` // by part of the run
	GPU       *meter.Peaks       `json:"gpu_memory,omitempty"`
	Network   *deploy.Cost       `json:"network"`
}

// Retrain trains the network of the genotype from scratch, from the last checkpoint on if there is one, and
// exports it.
func (r *Run) Retrain(ctx context.Context) (out RetrainResult, err error) {
	p, t := r.Console, r.Retraining
	if r.Execution.Profile && r.leads() {
		if err := r.profile(ctx, space.Mask{}); err != nil {
			return out, err
		}
	}
	if err := r.memoryPlan(ctx, settings.StageTraining, space.Mask{}); err != nil {
		return out, err
	}
	p.Say("training %d parameters on %s, testing on %s", space.NetworkParams(t.Genotype, t.Channels, t.Cells,
		r.Images.Classes, false), r.train.Name, r.test.Name)
	defer p.Stop()
	rec, from, err := newRetrainRecorder(r)
	if err != nil {
		return out, err
	}
	cfg, err := RetrainConfig(r.Experiment)
	if err != nil {
		return out, err
	}
	cfg.Options, cfg.Ranks = r.Device.Options(r.Experiment), r.Ranks
	terminal.Doing(ctx, "opening the sessions of the training, or making a step of it")
	res, err := retrain.Run(ctx, cfg, r.train, r.test, from, rec)
	if err != nil {
		return out, r.explain(err, settings.StageTraining, space.Mask{})
	}
	if !r.leads() {
		return out, nil
	}
	if err := rec.store.Finish(); err != nil {
		return out, err
	}
	if err := r.Dir.WriteJSON("genotype.json", t.Genotype); err != nil {
		return out, err
	}
	terminal.Doing(ctx, "exporting the network")
	cost, err := deploy.Finish(ctx, r.Dir, r.train, r.test, p)
	if err != nil {
		return out, err
	}
	out = RetrainResult{Run: string(r.Dir), Ranks: ranks.Several(r.Ranks), TestAcc: res.Last.TestAcc, TestLoss: res.Last.TestLoss,
		TrainLoss: res.Last.TrainLoss, PeakRSS: host.PeakRSS(), Predicted: r.Need.Peak, Forecast: r.Forecast.Map(), GPU: r.Device.Meter.Total(),
		Network: cost}
	return out, r.Dir.WriteJSON(resultFile, out)
}

// RetrainConfig are the settings of the training of an experiment, without options of the runtime.
func RetrainConfig(e settings.Experiment) (retrain.Config, error) {
	t := e.Retraining
	l, err := e.Lowering()
	c := retrain.Paper()
	c.Net = e.Derived()
	c.Batch, c.Epochs, c.Rate, c.DropPath, c.Seed = t.Batch, t.Epochs, e.ScaledRate(t.Rate, t.ScaleRate), t.DropPath, e.Seed
	c.Augment, c.Lowering = e.TrainingAugment(), l
	return c, err
}

// Print reports the result to people.
func (s RetrainResult) Print(r *Run) {
	what := "test accuracy"
	if r.Images.HoldOut {
		what = "accuracy on the images held out"
	}
	r.Console.Result("%s of the last epoch: %.2f %%", what, 100*s.TestAcc)
	device.Print(s.GPU, r.Console)
	r.Console.Result("written to %s", s.Run)
}
