package stages

import (
	"fmt"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
	"zos-ort/prune"
)

// Settings prints the resolved experiment of a search.
func (r *Run) Settings() error {
	k, n, s := r.Ranking, r.Network, r.Experiment.Search
	repeats := fmt.Sprintf("%d initialisations", k.Repeats)
	if k.Settle > 0 {
		repeats = "at most " + repeats
	}
	pruning := fmt.Sprintf("xi %v of the %s, %s, %d batches of %d, %s kernel", k.Xi, k.Measure, repeats, k.Batches,
		k.Batch, k.Kernel)
	if pool := prune.Pool(k.Pool); pool == prune.PoolCell || pool == prune.PoolNetwork {
		pruning += ", operations pooled over the " + k.Pool
	}
	if k.Rankers != "" {
		pruning += ", rankers " + k.Rankers
	}
	if n := r.RankOutputs(); n != r.Images.Classes {
		pruning += fmt.Sprintf(", %d outputs", n)
	}
	if k.Channels != n.Channels || k.Cells != n.Cells || k.Partial != n.Partial {
		pruning += fmt.Sprintf(", ranked on %d cells of %d channels, 1/%d mixed", k.Cells, k.Channels,
			k.Partial)
	}
	if k.MaskFile != "" {
		pruning = "mask of " + k.MaskFile
	}
	alphas := terminal.Number(s.AlphaRate)
	if s.AlphaRate == 0 {
		alphas = "by the number of steps"
	}
	rates := fmt.Sprintf("weights %v (cosine), alphas %s, beta regulariser %v per epoch", s.Rate, alphas, s.Beta)
	if s.Beta > 0 && s.BetaForm != "" {
		rates += ", " + s.BetaForm
	}
	params := space.SupernetParams(r.Space.Of().FullMask(), n.Channels, n.Cells, r.Images.Classes, n.Partial)
	limits, err := r.Limits()
	if err != nil {
		return err
	}
	budget := "none"
	if len(limits) > 0 {
		budget = limits.String()
	}
	return r.Console.Table([]string{"setting", "value"}, [][]string{
		{"method", r.Method + " (preset " + r.Preset + ")"},
		{"data", fmt.Sprintf("%s, %d images of %dx%d, %d classes", r.Images.Name, r.Images.Train,
			r.Images.Size, r.Images.Size, r.Images.Classes)},
		{"pruning", pruning},
		{"supernet", fmt.Sprintf("%d cells, %d channels, 1/%d of them mixed, %d parameters unpruned", n.Cells,
			n.Channels, n.Partial, params)},
		{"search", fmt.Sprintf("%d epochs, %d of them warm-up, batch %d", s.Epochs, s.Warmup, s.Batch)},
		{"rates", rates},
		{"genotype", r.derivation()},
		{"budget", budget},
		{"memory", r.Need.String()},
		{"duration", r.Forecast.String()},
		{"seed, device", fmt.Sprintf("%d, %s with %d threads", r.Seed, r.Experiment.Device.Name,
			r.Experiment.Device.Threads)},
	})
}

// derivation says what the genotype derives from.
func (r *Run) derivation() string {
	text := r.derived()
	if n := r.Experiment.Search.Rivals; n > 0 && r.Searches() {
		text += fmt.Sprintf(", trained beside %s", terminal.Count(n, "random architecture"))
	}
	return text
}

func (r *Run) derived() string {
	s := r.Experiment.Search
	switch {
	case !r.Searches():
		return "without a search"
	case r.Perturbs():
		judges := "all validation images"
		if s.PerturbImages > 0 {
			judges = fmt.Sprintf("up to %d validation images", s.PerturbImages)
		}
		return fmt.Sprintf("by perturbation: %d decisions on %s, up to %s after each", r.SearchEpochs()-s.Epochs, judges,
			terminal.Count(s.PerturbSteps, "step"))
	case s.Average > 1:
		return fmt.Sprintf("from the mean of the alphas of the last %d epochs", s.Average)
	case s.Select > 0:
		return fmt.Sprintf("from the alphas of the last %d epochs, chosen by a training of each", s.Select)
	}
	return "from the alphas of the last epoch"
}

// TrainingSettings prints the resolved experiment of a retraining.
func (r *Run) TrainingSettings() error {
	t := r.Retraining
	return r.Console.Table([]string{"setting", "value"}, [][]string{
		{"data", fmt.Sprintf("%s, %d images of %dx%d, %d classes; tested on %d of %s", r.Images.Name, r.Images.Trained(), r.Images.Size,
			r.Images.Size, r.Images.Classes, r.test.Len(), r.test.Name)},
		{"network", fmt.Sprintf("%d cells, %d channels, %d parameters", t.Cells, t.Channels,
			space.NetworkParams(t.Genotype, t.Channels, t.Cells, r.Images.Classes, false))},
		{"training", fmt.Sprintf("%d epochs, batch %d, rate %v (cosine), drop-path %v, cutout %d", t.Epochs, t.Batch, t.Rate, t.DropPath,
			t.Cutout)},
		{"memory", r.Need.String()},
		{"duration", r.Forecast.String()},
		{"seed, device", fmt.Sprintf("%d, %s with %d threads", r.Seed, r.Experiment.Device.Name, r.Experiment.Device.Threads)},
	})
}
