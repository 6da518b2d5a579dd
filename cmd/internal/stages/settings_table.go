package stages

import (
	"fmt"

	"zos-ort/models/space"
)

// Settings prints the resolved experiment of a search.
func (r *Run) Settings() error {
	k, n, s := r.Ranking, r.Network, r.Experiment.Search
	pruning := fmt.Sprintf("xi %v of the %s, %d initialisations, %d batches of %d, %s kernel", k.Xi, k.Measure,
		k.Repeats, k.Batches, k.Batch, k.Kernel)
	if k.Channels != n.Channels || k.Cells != n.Cells || k.Partial != n.Partial {
		pruning += fmt.Sprintf(", ranked on %d cells of %d channels, 1/%d mixed", k.Cells, k.Channels,
			k.Partial)
	}
	if k.MaskFile != "" {
		pruning = "mask of " + k.MaskFile
	}
	params := space.SupernetParams(space.FullMask(), n.Channels, n.Cells, r.Images.Classes, n.Partial)
	return r.Console.Table([]string{"setting", "value"}, [][]string{
		{"method", r.Method + " (preset " + r.Preset + ")"},
		{"data", fmt.Sprintf("%s, %d images of %dx%d, %d classes", r.Images.Name, r.Images.Train,
			r.Images.Size, r.Images.Size, r.Images.Classes)},
		{"pruning", pruning},
		{"supernet", fmt.Sprintf("%d cells, %d channels, 1/%d of them mixed, %d parameters unpruned", n.Cells,
			n.Channels, n.Partial, params)},
		{"search", fmt.Sprintf("%d epochs, %d of them warm-up, batch %d", s.Epochs, s.Warmup, s.Batch)},
		{"rates", fmt.Sprintf("weights %v (cosine), alphas %v, beta regulariser %v per epoch", s.Rate,
			s.AlphaRate, s.Beta)},
		{"memory", r.Need.String()},
		{"seed, device", fmt.Sprintf("%d, %s with %d threads", r.Seed, r.Experiment.Device.Name,
			r.Experiment.Device.Threads)},
	})
}
