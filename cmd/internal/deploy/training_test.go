package deploy

import (
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/onnx"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// tuning is an exported folder in ONNX Runtime, with the tensors of its steps.
type tuning struct {
	state       *ort.State
	tuner       *ort.FineTuner
	in, out     map[string]*ort.Tensor
	train, eval *ort.Step
}

// openTuning reads nothing but the four files.
func openTuning(t *testing.T, dir rundir.Dir, batch, size, classes int) *tuning {
	t.Helper()
	read := func(name string) []byte { return check.Must(os.ReadFile(dir.Path(name)))(t) }
	u := &tuning{state: check.Must(ort.LoadState(dir.Path(checkpointFile)))(t)}
	u.tuner = check.Must(ort.NewFineTuner(u.state, ort.Artifacts{Train: read(trainingModelFile),
		Eval: read(evalModelFile), Optimizer: read(optimizerModelFile)}, ort.Options{Threads: 1}))(t)
	u.in = map[string]*ort.Tensor{
		"image":  check.Must(ort.NewTensor(ort.Float, batch, 3, size, size))(t),
		"labels": check.Must(ort.NewTensor(ort.Int64, batch))(t)}
	u.out = map[string]*ort.Tensor{"loss": check.Must(ort.NewTensor(ort.Float))(t),
		"logits": check.Must(ort.NewTensor(ort.Float, batch, classes))(t)}
	rng := rand.New(rand.NewPCG(uint64(batch), 1))
	for i := range u.in["image"].Float32() {
		u.in["image"].Float32()[i] = rng.Float32()
	}
	for i := range u.in["labels"].Int64() {
		u.in["labels"].Int64()[i] = int64(rng.IntN(classes))
	}
	u.train = check.Must(u.tuner.Bind(u.in, u.out))(t)
	u.eval = check.Must(u.tuner.BindEval(u.in, u.out))(t)
	return u
}

func (u *tuning) close() {
	u.state.Close()
	meter.CloseTensors(u.in)
	meter.CloseTensors(u.out)
}

func (u *tuning) loss() float32 { return u.out["loss"].Float32()[0] }

// everyOperation is a cell that has all primitives but none.
func everyOperation() space.Genotype {
	cell := []space.Gene{
		{Op: space.MaxPool3x3, Source: 0}, {Op: space.AvgPool3x3, Source: 1},
		{Op: space.SepConv3x3, Source: 0}, {Op: space.SkipConnect, Source: 1},
		{Op: space.DilConv5x5, Source: 2}, {Op: space.SepConv5x5, Source: 1},
		{Op: space.DilConv3x3, Source: 3}, {Op: space.AvgPool3x3, Source: 0}}
	return space.DARTS.Genotype(cell, cell)
}

// exportedTraining exports a network with random weights and statistics.
func exportedTraining(t *testing.T, k onnx.Optimizer) (dir rundir.Dir, net network.Config,
	form network.Deployment, tensors graphgen.Tensors) {
	t.Helper()
	openRuntime(t)
	net = network.Config{Genotype: everyOperation(), Channels: 4, Cells: 3, Classes: 5, Auxiliary: true}
	form = network.Deployment{Size: 32, Mean: [3]float32{.4, .5, .6}, Std: [3]float32{.2, .25, .3}}
	spec := graphgen.Spec{Forward: net.Forward(), Batch: 1, Image: form.Size, Classes: net.Classes}
	p := check.Must(spec.Evaluate())(t)
	rng := rand.New(rand.NewPCG(7, 7))
	means, variances := make([]float32, p.Stats.Len()), make([]float32, p.Stats.Len())
	for _, e := range p.Stats {
		for i := e.Offset; i < e.Offset+e.Len(); i++ {
			means[i], variances[i] = rng.Float32()-.5, .5+rng.Float32()
		}
	}
	tensors = p.Tensors(p.Weights.Initialize(rng), means, variances)
	dir = rundir.Dir(t.TempDir())
	if err := WriteTraining(dir, net, form, tensors, k, nil); err != nil {
		t.Fatal(err)
	}
	return dir, net, form, tensors
}

// The evaluation model gives the logits of the deployed model; a few steps of the optimiser, on
// batches of any size, bring the loss down, in training and with the statistics that it left.
func TestFineTuning(t *testing.T) {
	dir, net, form, tensors := exportedTraining(t, onnx.AdamW)
	plain := check.Must(net.Deploy(tensors, form))(t)
	model := check.Must(File(plain, "", nil))(t)
	deployed := check.Must(ort.NewInference(model, ort.Options{Threads: 1}))(t)
	defer deployed.Close()
	for _, batch := range []int{3, 6} {
		u := openTuning(t, dir, batch, form.Size, net.Classes)
		defer u.close()
		u.run(t, u.eval)
		want := check.Must(deployed.Run(t.Context(), map[string]*ort.Tensor{"image": u.in["image"]}))(t)
		check.Close(t, "logits", doubles(u.out["logits"].Float32()), doubles(want["logits"].Float32()),
			1e-5, 1e-5)
		meter.CloseTensors(want)
		before := u.loss()
		if err := u.tuner.SetLearningRate(.01); err != nil {
			t.Fatal(err)
		}
		var losses []float32
		for range 8 {
			u.run(t, u.train)
			losses = append(losses, u.loss())
			if err := errors.Join(u.tuner.OptimizerStep(), u.tuner.LazyResetGrad()); err != nil {
				t.Fatal(err)
			}
		}
		if !(losses[7] < .5*losses[0]) {
			t.Errorf("batch %d: training losses %v", batch, losses)
		}
		for range 25 { // statistics that have forgotten where they began
			u.run(t, u.train)
		}
		if u.run(t, u.eval); !(u.loss() < .5*before) {
			t.Errorf("batch %d: evaluation loss went from %v to %v", batch, before, u.loss())
		}
	}
}

// One step of plain SGD on the exported files moves every parameter by the gradient that the float64
// evaluator computes, and the running statistics to where it moves them.
func TestFineTuningStep(t *testing.T) {
	dir, net, form, tensors := exportedTraining(t, onnx.PlainSGD)
	f := check.Must(net.FineTune(form))(t)
	u := openTuning(t, dir, 2, form.Size, net.Classes)
	defer u.close()
	values := map[string]*eval.Tensor{"labels": eval.Ints(u.in["labels"].Int64(), 2),
		"image":           eval.Floats(doubles(u.in["image"].Float32()), 2, 3, form.Size, form.Size),
		"lazy_reset_grad": eval.Bools([]bool{true}, 1)}
	for _, v := range f.Train.Inputs {
		if values[v.Name] == nil {
			values[v.Name] = eval.Floats(make([]float64, v.Elements()), v.Shape...)
			copy(values[v.Name].F, doubles(tensors[v.Name]))
		}
	}
	want := check.Must(eval.Run(f.Train, values))(t)
	const rate = .5
	if err := u.tuner.SetLearningRate(rate); err != nil {
		t.Fatal(err)
	}
	u.run(t, u.train)
	if err := u.tuner.OptimizerStep(); err != nil {
		t.Fatal(err)
	}
	check.Close(t, "loss", []float64{float64(u.loss())}, want["loss"].F, 0, 1e-5)
	for _, p := range f.Params {
		got := make([]float32, p.Len())
		if err := u.state.Get(p.Name, got); err != nil {
			t.Fatal(err)
		}
		w := values[p.Name].F
		if p.Trainable {
			for i, d := range values[p.Name+"_grad.accumulation.buffer"].F {
				w[i] -= rate * d
			}
		}
		check.Close(t, p.Name, doubles(got), w, 1e-4, 1e-4)
	}
}

func (u *tuning) run(t *testing.T, s *ort.Step) {
	t.Helper()
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
}

func doubles(v []float32) []float64 {
	d := make([]float64, len(v))
	for i, x := range v {
		d[i] = float64(x)
	}
	return d
}

func openRuntime(t *testing.T) {
	t.Helper()
	if err := ort.Open(""); err != nil {
		t.Skipf("no ONNX Runtime: %v", err)
	}
}
