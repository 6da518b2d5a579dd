package main

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/pareto"
	"zos-ort/cmd/internal/report"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/sweeping"
	"zos-ort/cmd/internal/terminal"
)

func paretoCommand() *cli.Command {
	flags := slices.DeleteFunc(sweepFlags("zos"), func(f cli.Flag) bool {
		name := f.Names()[0]
		return slices.Contains([]string{"no-wait", "cell", "cell-list", "apply", "dry-run", "serve"}, name) || strings.HasPrefix(name, "kube-")
	})
	return &cli.Command{
		Name:  "pareto",
		Usage: "search under several budgets, and draw accuracy against cost",
		Description: "Every budget is a sweep in a folder of its own; the same command continues where it stopped. What is found " +
			"stands beside random architectures of the same budget, in pareto.csv, pareto.json, a chart and a report. The " +
			"accuracies come from --surrogate or --truth.",
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "budgets", Usage: "budgets with commas, such as 2M,2.5M,3M"},
			&cli.StringFlag{Name: "limit", Value: settings.LimitNames[0], Usage: "what they limit: " +
				strings.Join(settings.LimitNames, " or ")},
			&cli.IntFlag{Name: "samples", Value: 1000, Usage: "random architectures, in all and within every budget"}}, flags),
		Before: noArguments,
		Action: paretoAction,
	}
}

// level is the sweep of a budget.
type level struct {
	sweeping.Matrix
	out string
}

func paretoAction(c *cli.Context) error {
	p := newConsole(c)
	if c.String("budgets") == "" {
		return terminal.Usagef("pareto needs --budgets, such as 2M,2.5M,3M")
	}
	if c.IsSet("surrogate") == c.IsSet("truth") {
		return terminal.Usagef("pareto needs --surrogate FILE or --truth FILE, one of them, for the accuracies")
	}
	if c.String("executor") == sweeping.Kubernetes {
		return terminal.Usagef("pareto compares runs that have ended, and --executor %s does not wait: use %s or %s", sweeping.Kubernetes,
			sweeping.Local, sweeping.Slurm)
	}
	if c.Int("samples") < 2 {
		return terminal.Usagef("--samples must be at least 2, got %d", c.Int("samples"))
	}
	out := c.String("out")
	if out == "" {
		out = filepath.Join("runs", "pareto", time.Now().Format("20060102-150405"))
	}
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	levels, err := paretoLevels(c, p, out)
	if err != nil {
		return err
	}
	source, name, err := sweepJudge(c, levels[0].Matrix)
	if err != nil {
		return err
	}
	defer source.Close()
	for _, l := range levels {
		p.Say("%s", filepath.Base(l.out))
		if err := l.Run(c, l.out, p.Within()); err != nil {
			return err
		}
	}
	r, err := pareto.Of(c.Context, pareto.Settings{Samples: c.Int("samples"), Seed: c.Uint64("seed")}, source, name, out, p)
	if err != nil {
		return err
	}
	if err := r.Save(rundir.Dir(out)); err != nil {
		return err
	}
	if err := report.Write(out); err != nil {
		return err
	}
	if err := r.Print(p); err != nil {
		return err
	}
	p.Result("written to %s", out)
	return p.Value(r)
}

// paretoLevels resolves the sweeps of all budgets before anything is written.
func paretoLevels(c *cli.Context, p *terminal.Console, out string) (list []level, err error) {
	limit, seen := c.String("limit"), map[string]bool{}
	for text := range strings.SplitSeq(c.String("budgets"), ",") {
		text = strings.TrimSpace(text)
		if seen[text] {
			return nil, terminal.Usagef("--budgets names %s twice", text)
		}
		seen[text] = true
		own, err := settings.Budget{Costs: c.String("costs")}.With(limit, text)
		if err != nil {
			return nil, err
		}
		var l level
		l.Matrix, err = sweeping.ResolveWith(c, p, func(e *settings.Experiment) { e.Budget = own })
		if err != nil {
			return nil, err
		}
		if l.out, err = sweeping.Folder(filepath.Join(out, limit+"-"+text)); err != nil {
			return nil, err
		}
		if err := l.Adopt(l.out); err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, nil
}
