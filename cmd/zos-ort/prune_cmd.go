package main

import (
	"github.com/urfave/cli/v2"

	"zos-ort/models/space"
)

func pruneCommand() *cli.Command {
	return &cli.Command{
		Name:        "prune",
		Usage:       "zero-shot pruning alone: find the mask, do not search",
		Description: "Writes a run directory with config.json, mask.json and scores.csv.",
		Flags:       join(methodFlags(), pruneFlags(), dataFlags(), outputFlags(), []cli.Flag{resumeFlag()}),
		Before:      noArguments,
		Action:      pruneAction,
	}
}

func pruneAction(c *cli.Context) error {
	cfg, m, err := resolveConfig(c)
	if err != nil {
		return err
	}
	if m.mask == noMask {
		return usagef("method %s does not prune", m.name)
	}
	p := newConsole(c)
	train, err := cfg.loadData(c.Context, p)
	if err != nil {
		return err
	}
	if err := cfg.checkInput(m); err != nil {
		return err
	}
	dir, unlock, err := openRun(c, &cfg)
	if err != nil {
		return err
	}
	defer unlock()
	res, err := makeMask(c.Context, &cfg, m, train, dir, p)
	if err != nil {
		return dir.resumable(c, p, dir.finish(err))
	}
	full := space.FullMask()
	p.result("%.3f of the operations and %.3g of the architectures are left; written to %s",
		res.mask.RemainingOperations(full), res.mask.RemainingArchitectures(full), dir)
	return p.value(map[string]any{"run": dir, "mask": res.mask,
		"remaining": map[string]float64{"operations": res.mask.RemainingOperations(full),
			"architectures": res.mask.RemainingArchitectures(full)}})
}
