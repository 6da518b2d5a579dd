package main

import (
	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/ort/meter"
)

func pruneCommand() *cli.Command {
	return &cli.Command{
		Name:        "prune",
		Usage:       "zero-shot pruning alone: find the mask, do not search",
		Description: "Writes a run directory with config.json, mask.json and scores.csv.",
		Flags: join(methodFlags(), pruneFlags(), roomFlags(), dataFlags(), outputFlags(), []cli.Flag{resumeFlag(),
			ignoreMemoryFlag(),
			&cli.StringFlag{Name: "compare", Usage: "say how much the mask has in common with that in `FILE`"},
			&cli.BoolFlag{Name: "dry-run", Usage: "print the settings and the rounds to come, and stop"}}),
		Before: noArguments,
		Action: pruneAction,
	}
}

func pruneAction(c *cli.Context) error {
	cfg, m, err := resolveConfig(c)
	if err != nil {
		return err
	}
	if m.Mask == method.NoMask {
		return terminal.Usagef("method %s does not prune", m.Name)
	}
	p := newConsole(c)
	train, err := cfg.loadData(c.Context, p)
	if err != nil {
		return err
	}
	if err := cfg.checkInput(m); err != nil {
		return err
	}
	other, err := comparedMask(c)
	if err != nil {
		return err
	}
	if err := cfg.reach(c.Bool("dry-run"), p); err != nil {
		return err
	}
	defer cfg.deviceSettings.close()
	if err := cfg.guardMemory(c, m, p); err != nil {
		return err
	}
	if c.Bool("dry-run") {
		return planRounds(&cfg, m, p)
	}
	dir, unlock, err := openRun(c, &cfg)
	if err != nil {
		return err
	}
	defer unlock()
	res, err := makeMask(c.Context, &cfg, m, train, dir, p)
	if err != nil {
		return dir.Resumable(c.Command.Name, p, dir.Finish(cfg.explain(err, cfg.memoryOfRanking())))
	}
	out := pruneResult{Run: string(dir), Mask: res.mask, Remaining: remainingOf(res.mask),
		GPU: cfg.gpu.Total()}
	printPeaks(out.GPU, p)
	p.Result("%.3f of the operations and %.3g of the architectures are left; written to %s",
		out.Remaining.Operations, out.Remaining.Architectures, dir)
	if other != nil {
		out.Common = new(common(res.mask, *other))
		p.Result("%d of the %d operations are also among the %d of %s", *out.Common, res.mask.Count(),
			other.Count(), c.String("compare"))
	}
	return p.Value(out)
}

// comparedMask reads the mask of --compare, nil without one.
func comparedMask(c *cli.Context) (*space.Mask, error) {
	path := c.String("compare")
	if path == "" {
		return nil, nil
	}
	m, err := space.ReadMask(path)
	return &m, err
}

// pruneResult is what prune prints with --json.
type pruneResult struct {
	Run       string       `json:"run"`
	Mask      space.Mask   `json:"mask"`
	Remaining remaining    `json:"remaining"`
	Common    *int         `json:"common_operations,omitempty"` // with the mask of --compare
	GPU       *meter.Peaks `json:"gpu_memory,omitempty"`
}

// remaining are fractions of the search space.
type remaining struct {
	Operations    float64 `json:"operations"`
	Architectures float64 `json:"architectures"`
}

func remainingOf(m space.Mask) remaining {
	full := space.FullMask()
	return remaining{m.RemainingOperations(full), m.RemainingArchitectures(full)}
}

// common counts the operations that both masks keep.
func common(a, b space.Mask) (n int) {
	for _, t := range space.CellTypes {
		for e := range a[t] {
			n += (a[t][e] & b[t][e]).Len()
		}
	}
	return n
}
