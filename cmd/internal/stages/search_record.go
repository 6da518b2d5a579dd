package stages

import (
	"context"
	"slices"
	"strconv"

	"zos-ort/cmd/internal/forecast"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
	"zos-ort/ort/program"
	"zos-ort/search"
	"zos-ort/search/checkpoint"
	"zos-ort/search/train"
)

// searchRecorder writes metrics.csv, timing.csv, alphas.csv and the genotype after every epoch, saves the checkpoints,
// and shows progress.
type searchRecorder struct {
	run   *Run
	store checkpoint.Store
	saved searchCheckpoint
	table epochTable
}

// searchCheckpoint is the content of a checkpoint of a search.
type searchCheckpoint struct {
	search.Snapshot
	Metrics [][]string // metrics.csv
	Times   [][]string // timing.csv
	History [][]string // alphas.csv
	Seconds float64    // of the complete epochs
}

var metricsHeader = []string{"epoch", "lr", "beta_lambda", "train_loss", "train_acc", "alpha_loss",
	"alpha_acc", "valid_loss", "valid_acc", "grad_norm", "entropy_normal", "entropy_reduce"}

// newSearchRecorder reads the last checkpoint of the run, if it has one; from is where the search starts.
func newSearchRecorder(run *Run) (r *searchRecorder, from *search.Start, err error) {
	r = &searchRecorder{run: run, store: run.Dir.Checkpoints("search"),
		table: epochTable{mark: run.Experiment.Search.StopOnSkips}}
	v, ok, err := run.restore(r.store, &r.saved)
	if err != nil {
		return nil, nil, err
	}
	if ok {
		from = &search.Start{Snapshot: r.saved.Snapshot, Vectors: v}
		if from.Stop == nil {
			resuming(run.Console, from.Epoch, from.Step, run.Experiment.SearchEpochs())
		}
		return r, from, nil
	}
	header := append([]string(nil), metricsHeader...)
	if run.freezes() {
		header = append(header, "frozen_operations")
	}
	if run.knowsTruth() {
		header = append(header, trueAccuracy)
	}
	for _, p := range run.Space.Of().Operations() {
		header = append(header, "count_"+p.String())
	}
	r.saved.Metrics = [][]string{append(append(header, "genotype"), run.Device.Meter.Columns()...)}
	r.saved.Times = [][]string{{"epoch", "seconds", "weight_steps", "alpha_steps", "evaluation",
		"waiting_for_data", peakRSSColumn, leftColumn}}
	return r, nil, nil
}

// trueAccuracy is the column of the accuracies that a table of --truth has for the genotypes of the epochs, in percent.
const trueAccuracy = "true_accuracy"

// knowsTruth reports whether a table judges.
func (r *Run) knowsTruth() bool { return r.Execution.Truth != "" }

// truth is the accuracy of a genotype in the table; nothing where there is none, or not this architecture.
func (r *Run) truth(g space.Genotype) string {
	if !r.knowsTruth() || r.judge == nil {
		return ""
	}
	list, err := r.judge.Accuracies(context.Background(), []space.Genotype{g}, func() {})
	if err != nil {
		return ""
	}
	return terminal.Number(list[0])
}

// freezes reports whether operations of the supernet may stop training.
func (r *Run) freezes() bool { return r.Experiment.Search.FreezeBelow > 0 }

// Save implements search.Recorder.
func (r *searchRecorder) Save(s search.Snapshot, n *program.Net) error {
	r.saved.Snapshot = s
	return r.store.Save(checkpoint.Position(s.Epoch, s.Step), r.saved, n.WriteState)
}

// Step implements search.Recorder.
func (r *searchRecorder) Step(p train.Progress) { showStep(r.run, forecast.Search, p.Epoch, p) }

// Epoch implements search.Recorder.
func (r *searchRecorder) Epoch(e search.Epoch) error {
	r.run.Console.Stop()
	r.run.clock.At(forecast.Search, e.Epoch+1, 0, false)
	if r.run.Perturbs() && e.Epoch == r.run.Experiment.Search.Epochs {
		r.run.Console.Say("from here on a row is a decision of the genotype and a little training")
	}
	r.table.print(r.run.Console, e, r.run.left())
	gpu := r.run.Device.Meter.Take()
	if text := gpu.String(); text != "" {
		r.run.Console.Say("       %s", text)
	}
	row := []string{strconv.Itoa(e.Epoch)}
	for _, x := range []float64{e.Rate, e.Lambda, e.TrainLoss, e.TrainAcc, e.AlphaLoss, e.AlphaAcc,
		e.ValidLoss, e.ValidAcc, e.Norm, e.Entropy[space.Normal], e.Entropy[space.Reduce]} {
		row = append(row, terminal.Number(x))
	}
	if r.run.freezes() {
		row = append(row, strconv.Itoa(e.Frozen))
		r.run.Console.Say("       %d operations of the supernet no longer train", e.Frozen)
	}
	if slices.Contains(r.saved.Metrics[0], trueAccuracy) {
		row = append(row, r.run.truth(e.Genotype))
	}
	counts := e.Genotype.Counts()
	for _, p := range e.Genotype.Space().Operations() {
		row = append(row, strconv.Itoa(counts[p]))
	}
	row = append(row, e.Genotype.String())
	r.saved.Metrics = append(r.saved.Metrics, append(row, gpu.Cells(r.saved.Metrics[0])...))
	t := e.Time
	r.saved.Seconds += t.Total.Seconds()
	r.saved.Times = append(r.saved.Times, r.run.timed(r.saved.Times[0], strconv.Itoa(e.Epoch), terminal.Seconds(t.Total.Seconds()),
		terminal.Seconds(t.Weight.Seconds()), terminal.Seconds(t.Alpha.Seconds()), terminal.Seconds(t.Eval.Seconds()),
		terminal.Seconds(t.Waited.Seconds())))
	r.saved.History = appendAlphas(r.saved.History, e.Epoch, e.Alphas)
	r.run.Console.Row("epoch", r.saved.Metrics[0], r.saved.Metrics[len(r.saved.Metrics)-1])
	return r.save(e)
}

// save writes everything that belongs to an epoch.
func (r *searchRecorder) save(e search.Epoch) error {
	if err := r.run.Dir.Write("metrics.csv", terminal.CSV(r.saved.Metrics)); err != nil {
		return err
	}
	if err := r.run.Dir.Write("timing.csv", terminal.CSV(r.saved.Times)); err != nil {
		return err
	}
	if err := r.run.Dir.Write("alphas.csv", terminal.CSV(r.saved.History)); err != nil {
		return err
	}
	if err := r.run.Dir.WriteJSON(genotypeOfEpoch(e.Epoch), e.Genotype); err != nil {
		return err
	}
	if err := r.run.Dir.WriteJSON("alphas.json", e.Alphas); err != nil {
		return err
	}
	r.run.draw()
	return nil
}
