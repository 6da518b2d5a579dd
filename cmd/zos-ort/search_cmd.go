package main

import (
	"context"
	"errors"
	"math/rand/v2"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/ort/meter"
	"zos-ort/search"
	"zos-ort/search/data"
)

func searchCommand() *cli.Command {
	return &cli.Command{
		Name:  "search",
		Usage: "prune the search space, search it, export what was found",
		Description: "Writes a run directory with config.json, mask.json, scores.csv, metrics.csv, timing.csv, " +
			"genotype.json, the cells as .dot, .svg and .onnx, and the derived network as network.onnx.",
		Flags: join(methodFlags(), pruneFlags(), roomFlags(), dataFlags(), trainFlags(), outputFlags(), []cli.Flag{
			resumeFlag(), profileFlag(), ignoreMemoryFlag(), recomputeFlag(),
			&cli.BoolFlag{Name: "dry-run", Usage: "print the resolved configuration and stop"}}),
		Before: noArguments,
		Action: searchAction,
	}
}

// dryRun is what search --dry-run prints with --json.
type dryRun struct {
	config
	Peak int `json:"predicted_peak_bytes"`
}

// searchResult is what search prints with --json.
type searchResult struct {
	Run       string         `json:"run"`
	Genotype  space.Genotype `json:"genotype"`
	Text      string         `json:"genotype_text"`
	ValidAcc  *float64       `json:"valid_accuracy,omitempty"` // of the supernet, if there was one
	Stop      *search.Stop   `json:"stop,omitempty"`           // what ended the search early
	Remaining remaining      `json:"remaining"`
	PeakRSS   int64          `json:"peak_rss_bytes"` // of the process
	GPU       *meter.Peaks   `json:"gpu_memory,omitempty"`
	Seconds   struct {
		Prune  float64 `json:"prune"`
		Search float64 `json:"search"`
	} `json:"seconds"`
}

func searchAction(c *cli.Context) error {
	cfg, m, err := resolveConfig(c)
	if err != nil {
		return err
	}
	p := newConsole(c)
	train, err := cfg.loadData(c.Context, p)
	if err != nil {
		return err
	}
	if err := cfg.checkInput(m); err != nil {
		return err
	}
	if err := cfg.checkHalves(m); err != nil {
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
		return errors.Join(cfg.table(p), p.Value(dryRun{cfg, cfg.memory.Peak}))
	}
	dir, unlock, err := openRun(c, &cfg)
	if err != nil {
		return err
	}
	defer unlock()
	if cfg.Data == "" {
		p.Say("no --data: using the built-in generated images")
	}
	if err = cfg.table(p); err == nil {
		err = runSearch(c.Context, &cfg, m, train, dir, p)
	}
	return dir.Resumable(c.Command.Name, p, dir.Finish(err))
}

func runSearch(ctx context.Context, cfg *config, m method.Method, train *data.Set, dir rundir.Dir,
	p *terminal.Console) error {
	var out searchResult
	out.Run = string(dir)
	mask, err := makeMask(ctx, cfg, m, train, dir, p)
	if err != nil {
		return cfg.explain(err, cfg.memoryOfRanking())
	}
	out.Seconds.Prune = mask.seconds
	if cfg.profile {
		if err := cfg.profileSteps(ctx, m, mask.mask, dir, p); err != nil {
			return err
		}
	}
	out.Remaining = remainingOf(mask.mask)
	switch m.Source {
	case method.ByScores:
		out.Genotype, err = scoresGenotype(mask)
	case method.ByChance:
		rng := rand.New(rand.NewPCG(cfg.Seed, streamDraw))
		out.Genotype, err = space.RandomGenotype(rng, mask.mask)
	default:
		err = cfg.explain(oneShot(ctx, cfg, mask.mask, train, dir, p, &out), cfg.memoryOn(mask.mask))
	}
	if err != nil {
		return err
	}
	out.Text, out.PeakRSS, out.GPU = out.Genotype.String(), host.PeakRSS(), cfg.gpu.Total()
	if err := exportGenotype(ctx, cfg, out.Genotype, mask.mask, dir); err != nil {
		return err
	}
	return out.print(p)
}

// oneShot searches what the mask leaves, from the last checkpoint on if there is one.
func oneShot(ctx context.Context, cfg *config, mask space.Mask, train *data.Set, dir rundir.Dir, p *terminal.Console,
	out *searchResult) error {
	defer p.Stop()
	r, from, err := newRecorder(dir, cfg, p)
	if err != nil {
		return err
	}
	res, err := search.Run(ctx, cfg.search(mask), train, from, r)
	if err != nil {
		return err
	}
	out.Genotype, out.ValidAcc, out.Seconds.Search = res.Genotype, &res.Last.ValidAcc, r.saved.Seconds
	if out.Stop = res.Stop; res.Stop != nil {
		p.Say("stopped: the %v cell of epoch %d has %d skip connections; the result is from before it",
			res.Stop.Cell, res.Stop.Epoch+1, res.Stop.Skips)
		if err := dir.WriteJSON("alphas.json", res.Alphas); err != nil { // those of the result
			return err
		}
	}
	return r.store.Finish()
}

// print reports the result to people or machines.
func (r searchResult) print(p *terminal.Console) error {
	p.Result("%s", r.Text)
	if r.ValidAcc != nil {
		p.Result("supernet validation accuracy: %.2f %%", 100**r.ValidAcc)
	}
	printPeaks(r.GPU, p)
	p.Result("pruning %.1f s, search %.1f s; written to %s", r.Seconds.Prune, r.Seconds.Search, r.Run)
	return p.Value(r)
}

// scoresGenotype derives the genotype of pruning alone: every edge has one operation left, whose
// strength is its score in the last round.
func scoresGenotype(m maskResult) (space.Genotype, error) {
	last := m.rounds[len(m.rounds)-1].Scores
	return space.DeriveFromScores(space.Scores(*last), m.mask)
}
