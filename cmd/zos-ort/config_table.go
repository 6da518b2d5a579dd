package main

import (
	"fmt"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
)

// table prints the resolved configuration.
func (cfg *config) table(p *terminal.Console) error {
	prune := fmt.Sprintf("xi %v of the %s, %d initialisations, %d batches of %d, %s kernel", cfg.Xi,
		cfg.XiMeasure, cfg.Repeats, cfg.PruneBatches, cfg.PruneBatch, cfg.Kernel)
	if cfg.RankChannels != cfg.Channels || cfg.RankCells != cfg.Cells || cfg.RankPartial != cfg.Partial {
		prune += fmt.Sprintf(", ranked on %d cells of %d channels, 1/%d mixed", cfg.RankCells,
			cfg.RankChannels, cfg.RankPartial)
	}
	if cfg.MaskFile != "" {
		prune = "mask of " + cfg.MaskFile
	}
	supernetParams := space.SupernetParams(space.FullMask(), cfg.Channels, cfg.Cells, cfg.Classes,
		cfg.Partial)
	return p.Table([]string{"setting", "value"}, [][]string{
		{"method", cfg.Method + " (preset " + cfg.Preset + ")"},
		{"data", fmt.Sprintf("%s, %d images of %dx%d, %d classes", cfg.DataName, cfg.TrainImages,
			cfg.ImageSize, cfg.ImageSize, cfg.Classes)},
		{"pruning", prune},
		{"supernet", fmt.Sprintf("%d cells, %d channels, 1/%d of them mixed, %d parameters unpruned",
			cfg.Cells, cfg.Channels, cfg.Partial, supernetParams)},
		{"search", fmt.Sprintf("%d epochs, %d of them warm-up, batch %d", cfg.Epochs, cfg.Warmup, cfg.Batch)},
		{"rates", fmt.Sprintf("weights %v (cosine), alphas %v, beta regulariser %v per epoch", cfg.LR,
			cfg.AlphaLR, cfg.Beta)},
		{"memory", cfg.memory.String()},
		{"seed, device", fmt.Sprintf("%d, %s with %d threads", cfg.Seed, cfg.Device, cfg.Thread)},
	})
}
