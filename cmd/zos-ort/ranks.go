package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/ranks"
	"zos-ort/ort/mpi"
)

// team is the group that a command shares its work with.
type team struct {
	ranks.Group
	launch mpi.Launch
}

// teamKey is where the application keeps it.
const teamKey = "ranks"

// ranksOf is the group of the command, and how it was launched; a process alone is its own.
func ranksOf(app *cli.App) (ranks.Group, mpi.Launch) {
	if t, ok := app.Metadata[teamKey].(team); ok {
		return t.Group, t.launch
	}
	return ranks.One{}, mpi.Launch{Local: 1}
}

// joinRanks joins the other processes of a command that shares its work, if a launcher of MPI has started them. All
// but the first fall silent.
func joinRanks(c *cli.Context) error {
	if !slices.ContainsFunc(c.Command.Flags, func(f cli.Flag) bool { return f.Names()[0] == "mpi" }) {
		return nil
	}
	mode := c.String("mpi")
	if err := settings.CheckMPI(mode); err != nil {
		return err
	}
	launch, _ := mpi.Launched(os.Getenv)
	if mode == settings.MPIOff || mode == settings.MPIAuto && !launch.Several() {
		return nil
	}
	g, err := mpi.Open(launch)
	if err != nil {
		return &terminal.Hinted{Text: err.Error(), Hint: "--mpi off makes every process a run of its own; Debian's Open MPI is " +
			"the package libopenmpi3"}
	}
	c.App.Metadata[teamKey] = team{g, launch}
	if g.Rank() > 0 {
		c.App.Writer, c.App.ErrWriter = io.Discard, io.Discard
	}
	return nil
}

// follows says before anything is read whether this process is a rank that the first speaks for.
func follows(args []string, getenv func(string) string) bool {
	launch, ok := mpi.Launched(getenv)
	if !ok || !launch.Several() || launch.Rank == 0 || len(args) < 2 ||
		!slices.Contains([]string{"search", "prune", "retrain"}, args[1]) {
		return false
	}
	for i, a := range args {
		name, value, given := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if name == "mpi" && !given && i+1 < len(args) {
			value = args[i+1]
		}
		if name == "mpi" && value == settings.MPIOff {
			return false
		}
	}
	return true
}

// Times that ranks wait for each other at the end.
const (
	forFirst = 5 * time.Second        // for the first to say what all of them have found wrong
	forRank  = 100 * time.Millisecond // longer, for every rank before
	forEnd   = 15 * time.Second       // for all to end
)

// leave ends the part of this rank with its error, if any. An error that all have ends all in order. One that others
// may not have ends them at once: they wait for this rank. Then the first rank has spoken already; another one gives it
// the time to, and speaks if it is not ended with it.
func leave(app *cli.App, status int, err error, voice io.Writer) int {
	g, _ := ranksOf(app)
	if g.Size() == 1 {
		_ = g.Close()
		return status
	}
	if err != nil && !errors.As(err, new(ranks.Agreed)) && !errors.Is(err, context.Canceled) {
		if rank := g.Rank(); rank > 0 {
			time.Sleep(forFirst + time.Duration(rank)*forRank)
			fail(voice, fmt.Errorf("rank %d: %w", rank, err))
		}
		g.Abort(status)
	}
	if status != 0 {
		time.AfterFunc(forEnd, func() { os.Exit(status) })
	}
	if failed := g.Close(); failed != nil && status == 0 {
		return fail(voice, failed)
	}
	return status
}
