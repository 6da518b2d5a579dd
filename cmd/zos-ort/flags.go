package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
)

func outputFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "out", Usage: "run `DIR` to create (default: runs/COMMAND/TIME)"},
		&cli.BoolFlag{Name: "json", Usage: "print the result as JSON, nothing else"},
		&cli.BoolFlag{Name: "quiet", Usage: "print errors only"},
	}
}

func methodFlags() []cli.Flag {
	about := "technique:"
	for _, m := range method.All {
		about += "\n  " + m.Name + ": " + m.About
	}
	return append(deviceFlags(), []cli.Flag{
		&cli.StringFlag{Name: "method", Value: "zos", Usage: about},
		&cli.StringFlag{Name: "preset", Usage: "quick (default without --data) or paper"},
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "seed of everything random"},
		&cli.IntFlag{Name: "threads", DefaultText: "all cores", Usage: "threads"},
		&cli.IntFlag{Name: "channels", DefaultText: "by preset",
			Usage: "channels of the first supernet cells"},
		&cli.IntFlag{Name: "cells", DefaultText: "by preset",
			Usage: "cells of the supernet"},
		&cli.StringFlag{Name: "dump", Usage: "save a model that the runtime refuses in `DIR`"},
	}...)
}

func pruneFlags() []cli.Flag {
	return []cli.Flag{
		&cli.Float64Flag{Name: "xi", Value: .5, Usage: "fraction of the search space to keep, in (0,1)"},
		&cli.StringFlag{Name: "xi-measure", Value: "operations", Usage: "what xi counts: operations, or " +
			"architectures (their product, as the paper prints it)"},
		&cli.BoolFlag{Name: "keep-none", Usage: "do not drop the operation none before scoring"},
		&cli.IntFlag{Name: "prune-per-round", Value: 1, Usage: "operations dropped per edge and round"},
		&cli.StringFlag{Name: "kernel", Value: "correlation", Usage: "ranking kernel: correlation or gram"},
		&cli.IntFlag{Name: "repeats", DefaultText: "by preset",
			Usage: "initialisations over which scores are averaged"},
		&cli.IntFlag{Name: "prune-batch", DefaultText: "by preset",
			Usage: "images per ranking batch"},
		&cli.IntFlag{Name: "prune-batches", DefaultText: "by preset",
			Usage: "ranking batches"},
	}
}

// Rules for operations with equal scores.
const (
	tiesFirst = "first"
	tiesLast  = "last"
)

// roomFlags are those for what the paper leaves open about the ranking of operations.
func roomFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "ties", Value: tiesFirst, Usage: "of equal scores, drop the first or the last " +
			"operation"},
		&cli.IntFlag{Name: "rank-channels", DefaultText: "those of the supernet",
			Usage: "channels of the ranking network"},
		&cli.IntFlag{Name: "rank-cells", DefaultText: "those of the supernet",
			Usage: "cells of the ranking network"},
		&cli.IntFlag{Name: "rank-partial", DefaultText: "as the supernet",
			Usage: "mix the first 1/`N` of the ranking network's channels"},
	}
}

func trainFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "mask", Usage: "start from the mask in `FILE` instead of making one"},
		&cli.IntFlag{Name: "epochs", DefaultText: "by preset",
			Usage: "epochs of the search"},
		&cli.IntFlag{Name: "warmup", DefaultText: "by preset",
			Usage: "epochs before the architecture is trained"},
		&cli.IntFlag{Name: "batch", DefaultText: "by preset",
			Usage: "images per step"},
		&cli.Float64Flag{Name: "lr", DefaultText: "by preset",
			Usage: "learning rate of the weights, cosine to 0"},
		&cli.Float64Flag{Name: "alpha-lr", DefaultText: "by preset",
			Usage: "learning rate of the architecture parameters"},
		&cli.Float64Flag{Name: "beta-reg", DefaultText: "by preset",
			Usage: "slope of the beta regulariser's weight per epoch"},
		&cli.IntFlag{Name: "stop-on-skips", DefaultText: "off",
			Usage: "stop when a cell has `N` skip connections, 1 to 8, and take the epoch before"},
		&cli.IntFlag{Name: "valid-images", DefaultText: "all",
			Usage: "validation images after every epoch"},
		&cli.IntFlag{Name: "network-channels", DefaultText: "36",
			Usage: "channels of the exported network"},
		&cli.IntFlag{Name: "network-cells", DefaultText: "20",
			Usage: "cells of the exported network"},
	}
}

func join(lists ...[]cli.Flag) (all []cli.Flag) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// takeInts and its like put the flags that were given into the settings that they name.
func takeInts(c *cli.Context, settings map[string]*int) { take(c, c.Int, settings) }

func takeFloats(c *cli.Context, settings map[string]*float64) { take(c, c.Float64, settings) }

func takeStrings(c *cli.Context, settings map[string]*string) { take(c, c.String, settings) }

func take[T any](c *cli.Context, get func(string) T, settings map[string]*T) {
	for name, p := range settings {
		if c.IsSet(name) {
			*p = get(name)
		}
	}
}

// usesQuickPreset reads --preset, whose default depends on whether there are images of the user's.
func usesQuickPreset(c *cli.Context) (bool, error) {
	switch p := c.String("preset"); p {
	case "quick":
		return true, nil
	case "paper":
		return false, nil
	case "":
		return c.String("data") == "", nil
	default:
		return false, terminal.Usagef("unknown preset %q: use quick or paper", p)
	}
}

// goesWith refuses flags that mean nothing beside a flag that changes what the command does.
func goesWith(c *cli.Context, flag string, others ...string) error {
	known := append([]string{flag, "json", "quiet"}, others...)
	for _, name := range c.LocalFlagNames() {
		if !slices.Contains(known, name) {
			return terminal.Usagef("--%s does not go with --%s; these do: %s", name, flag, strings.Join(others, ", "))
		}
	}
	return nil
}
