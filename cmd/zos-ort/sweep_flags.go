package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/terminal"
)

// perCell are the flags of search and retrain that a sweep sets itself, for every cell.
var perCell = []string{"method", "data", "seed", "threads", "genotype", "out", "json", "quiet",
	"dry-run", "dump", "resume"}

// shared are the flags of search that hold for retraining as well, unless --retrain-... says
// otherwise.
var shared = []string{"preset", "train-images", "image-size", "pad"}

const retrainPrefix = "retrain-"

// passedFlags are the flags of another command that a sweep hands on to it, under a prefix.
func passedFlags(cmd *cli.Command, prefix string) (list []cli.Flag) {
	for _, f := range cmd.Flags {
		if slices.Contains(perCell, f.Names()[0]) {
			continue
		}
		switch f := f.(type) {
		case *cli.BoolFlag:
			f.Name = prefix + f.Name
		case *cli.IntFlag:
			f.Name = prefix + f.Name
		case *cli.Float64Flag:
			f.Name = prefix + f.Name
		case *cli.StringFlag:
			f.Name = prefix + f.Name
		default:
			panic(fmt.Sprintf("sweep cannot pass on a flag of type %T (%s)", f, f.Names()[0]))
		}
		list = append(list, f)
	}
	return list
}

// passedArgs are those of the flags of another command that were given, as its arguments.
func passedArgs(c *cli.Context, cmd *cli.Command, prefix string) (args []string) {
	for _, f := range cmd.Flags {
		name := f.Names()[0]
		if slices.Contains(perCell, name) {
			continue
		}
		from := prefix + name
		if !c.IsSet(from) && slices.Contains(shared, name) {
			from = name
		}
		if c.IsSet(from) {
			args = append(args, fmt.Sprintf("--%s=%v", name, c.Value(from)))
		}
	}
	return args
}

// parseArgs reads arguments with the flags of a command, as the program does when it is started with
// them.
func parseArgs(cmd *cli.Command, args []string) (*cli.Context, error) {
	set := flag.NewFlagSet(cmd.Name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	for _, f := range cmd.Flags {
		if err := f.Apply(set); err != nil {
			return nil, terminal.Usage(err)
		}
	}
	if err := set.Parse(args); err != nil {
		return nil, terminal.Usagef("%s: %w", cmd.Name, err)
	}
	return cli.NewContext(nil, set, nil), nil
}

func sweepFlags() []cli.Flag {
	own := []cli.Flag{
		&cli.StringFlag{Name: "methods", Value: "all", Usage: "methods, separated by commas, or all"},
		&cli.IntFlag{Name: "seeds", Value: 3, Usage: "runs of every method, each with the next seed"},
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "first seed"},
		&cli.StringSliceFlag{Name: "data", Usage: "`DIR` with images, as for search, or " +
			builtIn + "; several with commas or by repetition (default: " + builtIn + ", generated images)"},
		&cli.BoolFlag{Name: "retrain", Usage: "train what was found from scratch, for the test accuracy"},
		&cli.StringFlag{Name: "out", Usage: "`DIR` of the sweep; one from before goes on (default: " +
			"runs/sweep/TIME)"},
		&cli.IntFlag{Name: "threads", DefaultText: "all cores", Usage: "threads, divided among the jobs"},
		&cli.IntFlag{Name: "jobs", Value: 1, Usage: "runs at the same time; on Slurm: tasks, 0 for all"},
		&cli.StringFlag{Name: "memory", DefaultText: "80 % of what is free",
			Usage: "`SIZE` for all runs at the same time, such as 16GB; each counts by prediction"},
		&cli.StringFlag{Name: "executor", Value: "local", Usage: "local, or slurm: a job array"},
		&cli.StringFlag{Name: "slurm-args", Usage: "more arguments of sbatch, such as " +
			"'--partition=main --time=02:00:00'"},
		&cli.BoolFlag{Name: "no-wait", Usage: "submit to Slurm and stop; the same command collects later"},
		&cli.StringFlag{Name: "cell", Usage: "run the prepared cell in `DIR`: what a Slurm task does"},
		&cli.BoolFlag{Name: "dry-run", Usage: "print what would run, and stop"},
		&cli.BoolFlag{Name: "json", Usage: "print the result as JSON, nothing else"},
		&cli.BoolFlag{Name: "quiet", Usage: "print errors only"},
	}
	return join(own, passedFlags(searchCommand(), ""), passedFlags(retrainCommand(), retrainPrefix))
}

const builtIn = "built-in"

// dataFolders are the folders of --data, each once; "" for the built-in images.
func dataFolders(c *cli.Context) ([]string, error) {
	var list []string
	for _, d := range c.StringSlice("data") {
		if d = strings.TrimSpace(d); d == builtIn {
			d = ""
		}
		if slices.Contains(list, d) {
			return nil, terminal.Usagef("--data names %q twice", d)
		}
		list = append(list, d)
	}
	if list == nil {
		list = []string{""}
	}
	return list, nil
}
