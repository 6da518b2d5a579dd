package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strconv"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/models/network"
	"zos-ort/ort/program"
	"zos-ort/search/data"
)

// evalBatch is how many images are evaluated at once.
const evalBatch = 32

// trained is a trained network with its state: what a run directory of retrain holds.
type trained struct {
	settings retrainSettings
	program  *graphgen.Program // the training graph's evaluation, evalBatch images at a time
	state    program.Vectors
	epochs   int     // that it was trained
	accuracy float64 // on the test images after the last one
}

// evaluation is the program of the trained network that computes logits with running statistics.
func (s retrainSettings) evaluation() (*graphgen.Program, error) {
	spec := s.config().Spec(s.ImageSize)
	spec.Batch = evalBatch
	return spec.Evaluate()
}

// openTrained reads a run directory.
func openTrained(path string) (*trained, error) {
	dir, t := rundir.Dir(path), new(trained)
	if err := dir.ReadSettings(retrainSchema, retrainVersion, &t.settings); err != nil {
		return nil, err
	}
	s := t.settings
	if len(s.Labels) != s.Classes || slices.Contains(s.Std[:], 0) {
		return nil, fmt.Errorf("%s: %d labels for %d classes, std %v: the run is not one of this version",
			dir.Path("config.json"), len(s.Labels), s.Classes, s.Std)
	}
	var err error
	if t.program, err = s.evaluation(); err != nil {
		return nil, fmt.Errorf("%s: %w", dir.Path("config.json"), err)
	}
	if t.state, err = program.ReadVectors(dir.Path("state.ckpt")); err != nil {
		return nil, fmt.Errorf("%s has no trained weights: %w", path, err)
	}
	have := []int{len(t.state.Weights), len(t.state.Means), len(t.state.Variances)}
	want := []int{t.program.Weights.Len(), t.program.Stats.Len(), t.program.Stats.Len()}
	if !slices.Equal(have, want) {
		return nil, fmt.Errorf("%s is of another network: weights, means and variances have %v numbers, "+
			"those of config.json %v", dir.Path("state.ckpt"), have, want)
	}
	t.epochs, t.accuracy, err = lastMetric(dir, "test_acc")
	return t, err
}

func (t *trained) shape() program.Shape {
	return program.Shape{Weights: t.program.Weights, Stats: t.program.Stats}
}

// tensors are the weights and running statistics by name.
func (t *trained) tensors() graphgen.Tensors {
	return t.program.Tensors(t.state.Weights, t.state.Means, t.state.Variances)
}

func (t *trained) net() network.Config { return t.settings.config().Net }

// lastMetric reads a column of metrics.csv in its last row, and the number of rows.
func lastMetric(d rundir.Dir, column string) (epochs int, x float64, err error) {
	path := d.Path("metrics.csv")
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, fmt.Errorf("%s has not finished an epoch: %w", d, err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w", path, err)
	}
	if len(rows) < 2 || !slices.Contains(rows[0], column) {
		return 0, 0, fmt.Errorf("%s has %d rows and no %s", path, len(rows), column)
	}
	last := rows[len(rows)-1]
	if x, err = strconv.ParseFloat(last[slices.Index(rows[0], column)], 64); err != nil {
		return 0, 0, fmt.Errorf("%s: %s: %w", path, column, err)
	}
	return len(rows) - 1, x, nil
}

// images loads the images that the network was trained on and those it is tested on, from where the
// run found them or, given a folder, from there; they must be the same.
func (t *trained) images(ctx context.Context, folder string, p *terminal.Console) (train, test *data.Set,
	err error) {
	s := t.settings
	if folder != "" {
		s.Data = folder
	}
	if train, test, err = s.load(ctx, s.Seed, retrainTest, p); err != nil {
		return nil, nil, fmt.Errorf("images of the run (--data says where they are now): %w", err)
	}
	if s.Fingerprint != t.settings.Fingerprint {
		return nil, nil, fmt.Errorf("the images have changed: %s has fingerprint %s, the run was trained on "+
			"%s with fingerprint %s", train.Name, s.Fingerprint, t.settings.DataName, t.settings.Fingerprint)
	}
	return train, test, nil
}

// open runs the training graph, until it is closed.
func (t *trained) open() (score forward, closeAll func(), err error) {
	net, err := program.NewNet(t.shape(), t.state, t.settings.config().Options)
	if err != nil {
		return nil, nil, err
	}
	r, err := net.Open(t.program)
	if err != nil {
		net.Close()
		return nil, nil, err
	}
	score = func(images []float32) ([]float32, error) {
		copy(r.Float("images"), images)
		return r.Float("logits"), r.Run()
	}
	return score, func() { r.Close(); net.Close() }, nil
}
