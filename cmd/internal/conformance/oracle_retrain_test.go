package conformance

import (
	"testing"

	"zos-ort/graphgen/pass"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/search/train"
)

type retrainExpected struct {
	Weights    int
	TrainLoss  []float64   `json:"train_loss"`
	GradNorm   []float64   `json:"grad_norm"`
	EvalLoss   float64     `json:"eval_loss"`
	EvalLogits [][]float64 `json:"eval_logits"`
}

func oracleRetrain(t *testing.T, c oracleCase) {
	t.Run("plain", func(t *testing.T) { retrainCase(t, c, pass.Portable) })
	t.Run("cuda", func(t *testing.T) { retrainCase(t, c, pass.CUDA) })
}

func retrainCase(t *testing.T, c oracleCase, target pass.Target) {
	var want retrainExpected
	decodeStrict(t, c.Expected, &want)
	net := network.Config{Genotype: c.genotype(t), Channels: c.Channels, Cells: c.Cells,
		Classes: c.Classes, Auxiliary: c.Auxiliary, DropPath: c.DropPath > 0}
	spec := net.Spec(c.Batch, c.Image, pass.Lowering{Target: target, Passes: pass.Share})
	step, err := spec.WeightStep()
	if err != nil {
		t.Fatal(err)
	}
	if got := step.Weights.Len(); got != want.Weights {
		t.Errorf("parameters: got %d, want %d", got, want.Weights)
	}
	eval, err := spec.Evaluate()
	if err != nil {
		t.Fatal(err)
	}
	state, err := program.NewNet(program.Shape{Weights: step.Weights, Stats: step.Stats},
		program.Vectors{Weights: oracleWeights(step.Weights)}, ort.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	trainer, err := state.Open(step)
	if err != nil {
		t.Fatal(err)
	}
	defer trainer.Close()
	mask := 0
	for i := range c.Steps {
		mask = c.dropPaths(trainer, mask)
		copy(trainer.Images, c.images(200000+i))
		copy(trainer.Labels, c.labels(300000+i))
		trainer.Rate[0] = float32(c.LR)
		if err := trainer.Run(); err != nil {
			t.Fatal(err)
		}
		near(t, "train loss", float64(trainer.Loss[0]), want.TrainLoss[i])
		within(t, "gradient norm", float64(trainer.Norm[0]), want.GradNorm[i], kinkTolerance)
	}
	runner, err := state.Open(eval)
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	copy(runner.Images, c.images(202000))
	if err := runner.Run(); err != nil {
		t.Fatal(err)
	}
	for i, row := range want.EvalLogits {
		for j, y := range row {
			near(t, "eval logits", float64(runner.Logits[i*c.Classes+j]), y)
		}
	}
	sum, _ := train.CrossEntropy(runner.Logits, c.labels(302000), c.Classes)
	near(t, "eval loss", sum/float64(c.Batch), want.EvalLoss)
}

func (c oracleCase) genotype(t *testing.T) (g space.Genotype) {
	t.Helper()
	genes := func(list [][2]any) (out []space.Gene) {
		for _, pair := range list {
			p, err := space.DARTS.Operation(pair[0].(string))
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, space.Gene{Op: p, Source: int(pair[1].(float64))})
		}
		return out
	}
	return space.DARTS.Genotype(genes(c.Genotype.Normal), genes(c.Genotype.Reduce))
}

// dropPaths fills the drop-path factors of a step, counting masks on from n.
func (c oracleCase) dropPaths(r *program.Runner, n int) int {
	if r.DropPath == nil {
		return n
	}
	factors := r.DropPath
	for i := range len(factors) / c.Batch {
		for j, u := range uniform(400000+n, c.Batch) {
			factors[i*c.Batch+j] = 0
			if u < 1-c.DropPath {
				factors[i*c.Batch+j] = float32(1 / (1 - c.DropPath))
			}
		}
		n++
	}
	return n
}
