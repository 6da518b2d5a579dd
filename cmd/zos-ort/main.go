// Command zos-ort searches, trains and ships small neural networks; see README.md.
//
// Results go to standard output, messages and progress to standard error. The exit status is 0 when
// the work is done, 1 on failure, 2 for a mistake on the command line, 130, 143 or 129 after an interrupt,
// a termination signal or a hang-up.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/ir"
	"zos-ort/models/safe"
	"zos-ort/ort"
	"zos-ort/search/train"
)

// Exit statuses.
const (
	exitFailure   = 1
	exitUsage     = 2
	exitInterrupt = 130
	exitTerminate = 143
	exitHangup    = 129
)

func main() { os.Exit(run(os.Args, os.Stdout, os.Stderr)) }

// run is the whole program; it returns the exit status.
func run(args []string, stdout, stderr io.Writer) (status int) {
	voice := stderr
	if follows(args, os.Getenv) {
		stdout, stderr = io.Discard, io.Discard
	}
	defer func() {
		if r := recover(); r != nil {
			status = internalError(voice, safe.Recovered(r))
		}
	}()
	ctx, caught, stop := signalContext(stderr)
	defer stop()
	out := terminal.NewChecked(stdout)
	app := newApp(out, stderr)
	err := app.RunContext(ctx, args)
	if err == nil {
		err = out.Err()
	}
	endLog(app, err)
	return leave(app, ended(err, caught(), stderr), err, voice)
}

// ended reports how a command has ended, and returns the exit status.
func ended(err error, sig int, stderr io.Writer) int {
	var panicked *safe.Panic
	switch {
	case errors.As(err, &panicked): // even if a signal came as well: the trace would be lost
		return internalError(stderr, panicked)
	case sig != 0:
		fmt.Fprintln(stderr, "zos-ort: stopped by a signal; what was saved before is complete")
		return sig
	case errors.Is(err, context.Canceled): // by a signal that has reached another rank
		fmt.Fprintln(stderr, "zos-ort: another rank was stopped by a signal; what was saved before is complete")
		return exitTerminate
	case err == nil:
		return 0
	}
	return fail(stderr, err)
}

// fail prints an error in one line, with a hint where there is one, and returns the exit status.
func fail(w io.Writer, err error) int {
	fmt.Fprintf(w, "zos-ort: error: %s\n", terminal.OneLine(err.Error()))
	var advised *terminal.Hinted
	var diverged *train.Diverged
	var topic cli.ExitCoder // urfave/cli has one error of its own: help for an unknown command
	switch {
	case terminal.IsUsage(err), errors.As(err, &topic):
		fmt.Fprintln(w, "zos-ort: hint: see zos-ort COMMAND --help")
		return exitUsage
	case errors.As(err, &advised) && advised.Hint != "":
		fmt.Fprintf(w, "zos-ort: hint: %s\n", advised.Hint)
	case errors.As(err, &diverged):
		fmt.Fprintln(w, "zos-ort: hint: --lr sets the learning rate")
	case errors.Is(err, ort.ErrCUDA):
		fmt.Fprintln(w, "zos-ort: hint: --device cpu needs none of it; zos-ort doctor lists what is there")
	case errors.Is(err, ort.ErrNoRuntime):
		fmt.Fprintln(w, "zos-ort: hint: run make setup, or set ONNXRUNTIME_SHARED_LIBRARY_PATH")
	}
	return exitFailure
}

// internalError reports a panic: a broken rule of graph building as an error, anything else as a defect of
// the program, whose trace goes to a file and not to the user's terminal.
func internalError(w io.Writer, p *safe.Panic) int {
	var broken *ir.BuildError
	if errors.As(p, &broken) {
		return fail(w, broken)
	}
	place := "no trace could be saved"
	if f, err := os.CreateTemp("", "zos-ort-trace-*.txt"); err == nil {
		fmt.Fprintf(f, "%v\n\n%s", p.Value, p.Stack)
		f.Close()
		place = "the trace is in " + f.Name()
	}
	fmt.Fprintf(w, "zos-ort: error: internal error: %s; %s\n", terminal.OneLine(p.Error()), place)
	return exitFailure
}

func newApp(stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:                   "zos-ort",
		Usage:                  "find a small network: zero-shot pruning, then one-shot search",
		Version:                settings.Program,
		Writer:                 stdout,
		ErrWriter:              stderr,
		UseShortOptionHandling: false,
		ExitErrHandler:         func(*cli.Context, error) {},
		OnUsageError:           onUsageError,
		CommandNotFound:        nil,
		Commands:               commands(),
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return terminal.Usagef("unknown command %q", c.Args().First())
			}
			return cli.ShowAppHelp(c)
		},
	}
	for _, cmd := range app.Commands {
		cmd.OnUsageError = onUsageError
		before := cmd.Before
		cmd.Before = func(c *cli.Context) error {
			if err := settings.CheckNumbers(c); err != nil {
				return err
			}
			if before != nil {
				if err := before(c); err != nil {
					return err
				}
			}
			return joinRanks(c)
		}
		withLog(cmd)
	}
	return app
}

// commands lists the commands in groups, as the help shows them.
func commands() (list []*cli.Command) {
	for _, group := range []struct {
		name     string
		commands []*cli.Command
	}{
		{"Find a network", []*cli.Command{searchCommand(), pruneCommand(), sweepCommand(), paretoCommand(), figure1Command()}},
		{"Retrain and deploy", []*cli.Command{retrainCommand(), evalCommand(), exportCommand(), predictCommand()}},
		{"Look and measure", []*cli.Command{reportCommand(), watchCommand(), trackCommand(), judgeCommand(), rankCommand(), memoryCommand(), graphsCommand(),
			inspectCommand(), genotypeCommand(), spaceCommand(), costsCommand(), dataCommand(), benchCommand(), scalingCommand()}},
		{"This machine", []*cli.Command{doctorCommand(), completionCommand(), manCommand()}},
	} {
		for _, c := range group.commands {
			c.Category = group.name
			list = append(list, c)
		}
	}
	return list
}

func onUsageError(_ *cli.Context, err error, _ bool) error { return terminal.Usage(err) }

// noArguments refuses positional arguments; urfave/cli would silently ignore flags after them.
func noArguments(c *cli.Context) error {
	if c.NArg() > 0 {
		return terminal.Usagef("%s takes no arguments, got %q", c.Command.Name, c.Args().First())
	}
	return nil
}

// newConsole prints as the flags of a command say.
func newConsole(c *cli.Context) *terminal.Console {
	p := terminal.New(c.App.Writer, c.App.ErrWriter, c.Bool("json"), c.Bool("quiet"))
	if f := logOf(c.App); f != nil {
		p.LogTo(f)
	}
	return p
}
