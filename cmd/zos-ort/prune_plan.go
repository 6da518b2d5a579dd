package main

import (
	"errors"
	"fmt"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/prune"
)

// plannedRound is a round of a pruning as it is known beforehand.
type plannedRound struct {
	Ranked   int       `json:"ranked_operations"`
	Networks int       `json:"networks"` // forward passes: one without each operation and one with all
	Left     int       `json:"left_operations"`
	Fraction remaining `json:"left"`
}

// planRounds prints what a pruning is going to do, which takes no network.
func planRounds(cfg *config, m method.Method, p *terminal.Console) error {
	if cfg.MaskFile != "" || !m.Ranks() {
		return errors.Join(cfg.table(p), p.Value(map[string]any{"config": cfg}))
	}
	plan, err := prune.Plan(cfg.pruning(m), space.FullMask())
	if err != nil {
		return err
	}
	if err := cfg.table(p); err != nil {
		return err
	}
	rounds, networks := plannedRounds(cfg, plan), 0
	var rows [][]string
	for i, r := range rounds {
		networks += r.Networks
		rows = append(rows, []string{fmt.Sprint(i + 1), fmt.Sprint(r.Ranked), fmt.Sprint(r.Networks),
			fmt.Sprint(r.Left), fmt.Sprintf("%.3f", r.Fraction.Operations),
			fmt.Sprintf("%.3g", r.Fraction.Architectures)})
	}
	if len(rows) > 0 {
		err := p.Table([]string{"round", "operations ranked", "networks", "left", "of the operations",
			"of the architectures"}, rows)
		if err != nil {
			return err
		}
	}
	p.Result("%d rounds, %d networks of %d images each; %d of %d operations are left", len(rounds), networks,
		cfg.PruneBatch*cfg.PruneBatches, plan.Mask.Count(), space.FullMask().Count())
	return p.Value(map[string]any{"config": cfg, "rounds": rounds, "networks": networks,
		"left_operations": plan.Mask.Count()})
}

func plannedRounds(cfg *config, plan prune.Result) (list []plannedRound) {
	before := space.FullMask()
	if !cfg.KeepNone {
		before = before.Drop(space.None)
	}
	for _, r := range plan.Rounds {
		n := before.Count()
		list = append(list, plannedRound{Ranked: n, Networks: cfg.Repeats * (n + 1), Left: r.Mask.Count(),
			Fraction: remainingOf(r.Mask)})
		before = r.Mask
	}
	return list
}
