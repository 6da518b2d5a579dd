package main

import (
	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/figure1"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/surrogate"
	"zos-ort/ort"
)

func figure1Command() *cli.Command {
	return &cli.Command{
		Name:  "figure1",
		Usage: "draw architectures with and without random masks and compare their scores",
		Description: "Figure 1 of the paper. With --surrogate the score is the validation accuracy that a " +
			"surrogate of NAS-Bench-301 predicts, such as nb301/model.onnx of YAHPO Gym. With --score nngp it " +
			"is our ranking kernel: the kernel norm of the untrained architecture, evaluated inside the full " +
			"supernet with weight 1 for its operations and 0 for the others, so that one session serves all " +
			"architectures; images as for search --preset quick. A fresh mask for every architecture leaves the distribution as it is, by symmetry; " +
			"--masks shows what single masks do. Writes a run directory with figure1.png, figure1.svg, " +
			"samples.csv, summary.json and, with --masks, the masks.",
		Flags: join(figureFlags(), surrogateFlags(), figure1.NNGPOptions.Values(figure1.NNGP()), []cli.Flag{
			settings.IgnoreMemory(""), settings.Out("figure1")}, settings.Report()),
		Before: noArguments,
		Action: figure1Action,
	}
}

func figureFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "score", DefaultText: figure1.ScoreSurrogate,
			Usage: "what scores architectures: surrogate or nngp"},
		&cli.IntFlag{Name: "samples", DefaultText: "100000, with nngp 200",
			Usage: "architectures with masks, and as many without"},
		&cli.Float64Flag{Name: "xi", Value: .5, Usage: "probability with which a mask keeps an operation"},
		&cli.IntFlag{Name: "masks", DefaultText: "a fresh one for every architecture",
			Usage: "share `K` masks among all architectures"},
		&cli.IntFlag{Name: "bins", Value: 100, Usage: "bins of the histogram"},
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "seed of everything random"},
		&cli.IntFlag{Name: "threads", DefaultText: "all cores", Usage: "threads"},
	}
}

// surrogateFlags only apply to --score surrogate.
func surrogateFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "surrogate", Usage: "ONNX `FILE` that predicts accuracies"},
		&cli.IntFlag{Name: "batch", Value: surrogate.DefaultBatch, Usage: "surrogate: architectures per run"},
		&cli.IntFlag{Name: "epoch", Value: surrogate.LastEpoch,
			Usage: "surrogate: training epoch to predict, 1 to 98"},
	}
}

func figure1Action(c *cli.Context) error {
	s, err := figure1.Parse(c)
	if err != nil {
		return err
	}
	p := newConsole(c)
	open, err := s.Scorer(c.Context, c.Bool("ignore-memory"), p)
	if err != nil {
		return err
	}
	if err := ort.Open(""); err != nil {
		return err
	}
	dir, unlock, err := rundir.Open("", c.String("out"), "figure1", s)
	if err != nil {
		return err
	}
	defer unlock()
	library, err := ort.Describe()
	if err == nil {
		err = dir.Started(settings.Program, library.Version)
	}
	if err != nil {
		return err
	}
	return dir.Finish(figure1.Run(c.Context, s, open, dir, p))
}
