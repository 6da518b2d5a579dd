package main

import (
	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/judge"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/ort"
)

func judgeCommand() *cli.Command {
	d := judge.Default()
	return &cli.Command{
		Name:      "judge",
		Usage:     "say how good architectures and masks are among random ones",
		ArgsUsage: "GENOTYPE|MASK|RUN|SWEEP...",
		Description: "Takes published names, files of genotypes and masks, run directories, and folders of " +
			"runs such as a sweep's. The accuracies come from a surrogate of NAS-Bench-301 " +
			"(such as YAHPO Gym's nb301/model.onnx) or from a table of trained architectures. For a genotype " +
			"it prints the percentile among random architectures, for a mask the lift over random masks of the " +
			"same size, for several seeds of a method intervals and tests. A surrogate does not see the " +
			"collapse to skip connections, so their number stands beside. Use it for means and large gaps.",
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "surrogate", Usage: "ONNX `FILE` that predicts accuracies"},
			&cli.StringFlag{Name: "table", Usage: "CSV `FILE` of architectures with columns normal, reduce and " +
				"an accuracy in percent"},
			&cli.StringFlag{Name: "column", Usage: "accuracy column of the table", DefaultText: "the only one so called"},
			&cli.IntFlag{Name: "samples", Value: d.Samples, Usage: "random architectures"},
			&cli.IntFlag{Name: "masks", Value: d.Masks, Usage: "random masks of every size"},
			&cli.IntFlag{Name: "draws", Value: d.Draws, Usage: "architectures drawn from inside of a mask"},
			&cli.Uint64Flag{Name: "seed", Value: d.Seed, Usage: "seed of everything drawn"},
			&cli.IntFlag{Name: "threads", DefaultText: "all cores", Usage: "threads"},
			&cli.StringFlag{Name: "out", Usage: "also write judge.json, CSV files and a chart into the new `DIR`"}},
			settings.Report()),
		Action: judgeAction,
	}
}

func judgeAction(c *cli.Context) error {
	s := judge.Settings{Samples: c.Int("samples"), Masks: c.Int("masks"), Draws: c.Int("draws"), Seed: c.Uint64("seed")}
	switch {
	case c.NArg() == 0:
		return terminal.Usagef("judge needs something to judge, after its flags: genotypes, masks, runs or a sweep")
	case c.IsSet("surrogate") == c.IsSet("table"):
		return terminal.Usagef("judge needs --surrogate FILE or --table FILE, one of them")
	case c.IsSet("column") && !c.IsSet("table"):
		return terminal.Usagef("--column is a column of --table")
	}
	if err := s.Check(); err != nil {
		return terminal.Usage(err)
	}
	p, name := newConsole(c), c.String("surrogate")+c.String("table")
	threads, err := settings.Threads(c, p)
	if err != nil {
		return err
	}
	var subjects []judge.Subject
	for _, name := range c.Args().Slice() {
		found, err := judge.Find(name)
		if err != nil {
			return err
		}
		subjects = append(subjects, found...)
	}
	source, err := openSource(c, subjects, threads)
	if err != nil {
		return err
	}
	defer source.Close()
	r, err := judge.Of(c.Context, s, source, name, subjects, p)
	if err != nil {
		return err
	}
	return deliver(c, r, p)
}

// openSource opens what knows the accuracies.
func openSource(c *cli.Context, subjects []judge.Subject, threads int) (judge.Source, error) {
	if path := c.String("table"); path != "" {
		t, err := judge.ReadTable(path, c.String("column"))
		if err != nil || t.Complete() {
			return t, err
		}
		for i, s := range subjects {
			if s.Mask != nil && s.Genotype == nil {
				return nil, terminal.Usagef("%s is a mask, and the table does not know all architectures: use --surrogate", s.Name)
			}
			subjects[i].Mask = nil
		}
		return t, nil
	}
	if err := ort.Open(""); err != nil {
		return nil, err
	}
	return judge.OpenSurrogate(c.Context, c.String("surrogate"), threads)
}
