// Package deploy turns the run of a retraining into verified files for deployment, and evaluates them.
package deploy

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strconv"

	"zos-ort/cmd/internal/images"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/graphgen/deploy"
	"zos-ort/graphgen/ir"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/search/data"
)

// evalBatch is how many images are evaluated at once.
const evalBatch = 32

// Trained is a trained network with its state: what a run directory of retrain holds.
type Trained struct {
	Settings settings.Experiment
	program  *graphgen.Program // the training graph's evaluation, evalBatch images at a time
	state    program.Vectors
	epochs   int     // that it was trained
	accuracy float64 // on the test images after the last one
}

// evaluation is the program of the trained network that computes logits with running statistics.
func evaluation(e settings.Experiment) (*graphgen.Program, error) {
	spec, err := e.WithBatch(settings.StageTraining, evalBatch).Spec(settings.StageTraining, space.Mask{})
	if err != nil {
		return nil, err
	}
	return spec.Evaluate()
}

// Open reads a run directory.
func Open(path string) (*Trained, error) {
	dir, t := rundir.Dir(path), new(Trained)
	if err := t.readSettings(dir); err != nil {
		return nil, err
	}
	s := t.Settings
	if len(s.Images.Labels) != s.Images.Classes || slices.Contains(s.Images.Std[:], 0) {
		return nil, fmt.Errorf("%s: %d labels for %d classes, std %v: the run is not one of this version",
			dir.Path("config.json"), len(s.Images.Labels), s.Images.Classes, s.Images.Std)
	}
	var err error
	if t.program, err = evaluation(s); err != nil {
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

// readSettings reads the config.json of a retraining and refuses others.
func (t *Trained) readSettings(dir rundir.Dir) error {
	if err := dir.ReadSettings(settings.Schema, settings.Version, &t.Settings); err != nil {
		return err
	}
	if t.Settings.Command != "retrain" {
		return fmt.Errorf("%s is the run of zos-ort %s, not of zos-ort retrain", dir, t.Settings.Command)
	}
	return nil
}

func (t *Trained) shape() program.Shape {
	return program.Shape{Weights: t.program.Weights, Stats: t.program.Stats}
}

// Tensors are the weights and running statistics by name.
func (t *Trained) Tensors() graphgen.Tensors {
	return t.program.Tensors(t.state.Weights, t.state.Means, t.state.Variances)
}

// Net is the network that was trained.
func (t *Trained) Net() network.Config { return t.Settings.Derived() }

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

// Images loads the images that the network was trained on and those it is tested on, from where the
// run found them or, given a folder, from there; they must be the same.
func (t *Trained) Images(ctx context.Context, folder string, p *terminal.Console) (train, test *data.Set,
	err error) {
	s := t.Settings
	if folder != "" {
		s.Images.Folder = folder
	}
	if train, test, err = images.Load(ctx, &s.Images, s.Seed, images.GeneratedTest, p); err != nil {
		return nil, nil, fmt.Errorf("images of the run (--data says where they are now): %w", err)
	}
	if s.Images.Fingerprint != t.Settings.Images.Fingerprint {
		return nil, nil, fmt.Errorf("the images have changed: %s has fingerprint %s, the run was trained on "+
			"%s with fingerprint %s", train.Name, s.Images.Fingerprint, t.Settings.Images.Name, t.Settings.Images.Fingerprint)
	}
	return train, test, nil
}

// run runs the training graph, until it is closed.
func (t *Trained) run() (score forward, closeAll func(), err error) {
	net, err := program.NewNet(t.shape(), t.state, ort.Options{Threads: t.Settings.Device.Threads})
	if err != nil {
		return nil, nil, err
	}
	r, err := net.OpenForward(t.program)
	if err != nil {
		net.Close()
		return nil, nil, err
	}
	score = func(images []float32) ([]float32, error) {
		if err := r.Feed(images, nil); err != nil {
			return nil, err
		}
		return r.Logits, r.Run()
	}
	return score, func() { r.Close(); net.Close() }, nil
}

// Finish exports the model of a training that has ended, verified against the training graph, into its run
// directory, and measures it on the test images: its card, its accuracy by class, its confusions and its worst
// mistakes lie beside it.
func Finish(ctx context.Context, dir rundir.Dir, train, test *data.Set, p *terminal.Console) (*Cost, error) {
	t, err := Open(string(dir))
	if err != nil {
		return nil, err
	}
	x := NewExporter(t, train, test, false, false, p)
	v, err := x.FP32(ctx)
	if err != nil {
		return nil, err
	}
	if err := dir.Write("model.onnx", v.Model); err != nil {
		return nil, err
	}
	sample, err := spread(test, mostFinalImages)
	if err != nil {
		return nil, err
	}
	if err := x.measure(ctx, v, sample); err != nil {
		return nil, err
	}
	card, err := x.Card("model.onnx", []*Form{v})
	if err == nil {
		err = dir.Write(CardName, card)
	}
	if err != nil {
		return nil, err
	}
	if err := writeReport(dir, &Subject{labels: t.Settings.Images.Labels}, sample, v.accuracy); err != nil {
		return nil, err
	}
	return &Cost{v.cost.Parameters, v.cost.MACs, len(v.Model), v.latency.Seconds() * 1e3}, nil
}

// mostFinalImages is how many test images the exported model is measured on: the training itself has tested on all
// of them, perhaps on a GPU, and this runs on processors.
const mostFinalImages = 20_000

// spread takes at most n images of a set at equal distances, for sets that are sorted by class.
func spread(set *data.Set, n int) (*data.Set, error) {
	if set.Len() <= n {
		return set, nil
	}
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i * set.Len() / n
	}
	return set.Subset(indices)
}

// Cost is what a network costs that a run exports.
type Cost struct {
	Parameters int     `json:"parameters"`
	MACs       int     `json:"macs"`
	Bytes      int     `json:"bytes"`
	Latency    float64 `json:"latency_ms,omitempty"` // of one image; 0: not measured
}

// CostOf counts a graph, whose file has that many bytes.
func CostOf(g *ir.Graph, bytes int) *Cost {
	c := deploy.Count(g)
	return &Cost{Parameters: c.Parameters, MACs: c.MACs, Bytes: bytes}
}
