package stages

import (
	"strconv"

	"zos-ort/cmd/internal/forecast"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/ort/program"
	"zos-ort/search/checkpoint"
	"zos-ort/search/retrain"
	"zos-ort/search/train"
)

// retrainRecorder writes metrics, the checkpoints, and the state after every epoch.
type retrainRecorder struct {
	run   *Run
	store checkpoint.Store
	saved retrainCheckpoint
}

// retrainCheckpoint is the content of a checkpoint of a training.
type retrainCheckpoint struct {
	retrain.Snapshot
	Metrics [][]string // metrics.csv
	Times   [][]string // timing.csv
}

// newRetrainRecorder reads the last checkpoint of the run, if it has one; from is where the training
// starts.
func newRetrainRecorder(run *Run) (r *retrainRecorder, from *retrain.Start, err error) {
	r = &retrainRecorder{run: run, store: run.Dir.Checkpoints("retrain")}
	v, ok, err := run.restore(r.store, &r.saved)
	if err != nil {
		return nil, nil, err
	}
	if ok {
		from = &retrain.Start{Snapshot: r.saved.Snapshot, Vectors: v}
		resuming(run.Console, from.Epoch, from.Step, run.Retraining.Epochs)
		return r, from, nil
	}
	r.saved.Metrics = [][]string{append([]string{"epoch", "lr", "drop_path", "train_loss", "train_acc",
		"test_loss", "test_acc", "grad_norm"}, run.Device.Meter.Columns()...)}
	r.saved.Times = [][]string{{"epoch", "seconds", peakRSSColumn, leftColumn}}
	return r, nil, nil
}

// Step implements retrain.Recorder.
func (r *retrainRecorder) Step(p train.Progress) { showStep(r.run, forecast.Training, p.Epoch, p) }

// Epoch implements retrain.Recorder.
func (r *retrainRecorder) Epoch(e retrain.Epoch) error {
	r.run.Console.Stop()
	r.run.clock.At(forecast.Training, e.Epoch+1, 0, false)
	gpu := r.run.Device.Meter.Take()
	r.run.Console.Say("epoch %2d: train loss %.3f acc %.3f | test loss %.3f acc %.3f | %.1f s%s%s", e.Epoch+1,
		e.TrainLoss, e.TrainAcc, e.TestLoss, e.TestAcc, e.Time.Seconds(), r.run.left(), gpu.After(" | "))
	row := []string{strconv.Itoa(e.Epoch)}
	for _, x := range []float64{e.Rate, e.DropPath, e.TrainLoss, e.TrainAcc, e.TestLoss, e.TestAcc,
		e.Norm} {
		row = append(row, terminal.Number(x))
	}
	s := &r.saved
	s.Metrics = append(s.Metrics, append(row, gpu.Cells(s.Metrics[0])...))
	s.Times = append(s.Times, r.run.timed(s.Times[0], strconv.Itoa(e.Epoch), terminal.Seconds(e.Time.Seconds())))
	r.run.Console.Row("epoch", s.Metrics[0], s.Metrics[len(s.Metrics)-1])
	if err := r.run.Dir.Write("metrics.csv", terminal.CSV(s.Metrics)); err != nil {
		return err
	}
	if err := r.run.Dir.Write("timing.csv", terminal.CSV(s.Times)); err != nil {
		return err
	}
	r.run.draw()
	return nil
}

// Save implements retrain.Recorder. The state of a complete epoch is a file of its own as well, which
// comes first: after a kill between the two the epoch is done again.
func (r *retrainRecorder) Save(s retrain.Snapshot, n *program.Net) error {
	if s.Step == 0 && r.run.leads() {
		if err := n.Save(r.run.Dir.Path("state.ckpt")); err != nil {
			return err
		}
	}
	r.saved.Snapshot = s
	return r.store.Save(checkpoint.Position(s.Epoch, s.Step), r.saved, n.WriteState)
}
