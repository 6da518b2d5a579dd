package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"zos-ort/cmd/internal/stages"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/ranks"
	"zos-ort/models/ranks/ranktest"
)

// A rank other than the first is silent from the start where its command shares its work.
func TestFollows(t *testing.T) {
	for _, c := range []struct {
		env, args string
		want      bool
	}{
		{"", "search", false},
		{"OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2", "search", false},
		{"OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2", "search --xi .5", true},
		{"OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2", "retrain --mpi on", true},
		{"OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2", "search --mpi off", false},
		{"OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2", "prune --mpi=off", false},
		{"OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2", "doctor", false},
		{"PMI_RANK=3 PMI_SIZE=4", "prune", true},
	} {
		env := map[string]string{}
		for pair := range strings.FieldsSeq(c.env) {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		got := follows(append([]string{"zos-ort"}, strings.Fields(c.args)...), func(name string) string { return env[name] })
		if got != c.want {
			t.Errorf("%s %s: got %v", c.env, c.args, got)
		}
	}
}

// ending is a rank that notes how it ends.
type ending struct {
	ranks.Group
	aborted, closed bool
}

func (e *ending) Abort(int)    { e.aborted = true }
func (e *ending) Close() error { e.closed = true; return nil }

// An error that all ranks have ends them in order; another one ends them at once.
func TestLeave(t *testing.T) {
	err := ranktest.Run(2, func(g ranks.Group) error {
		for _, c := range []struct {
			err    error
			aborts bool
		}{{nil, false}, {ranks.Agreed{}, false}, {fmt.Errorf("pruning: %w", context.Canceled), false}, {io.ErrNoProgress, true}} {
			if c.aborts && g.Rank() > 0 {
				continue // it would wait for the first
			}
			e := &ending{Group: g}
			app := newApp(io.Discard, io.Discard)
			app.Metadata = map[string]any{teamKey: team{Group: e}}
			status := leave(app, 0, c.err, io.Discard)
			if e.aborted != c.aborts || !e.closed || status != 0 {
				return fmt.Errorf("rank %d, %v: aborted %v, closed %v", g.Rank(), c.err, e.aborted, e.closed)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A mistake on the command line that one rank finds is one on all, and the first says where it was found.
func TestAgreedUsage(t *testing.T) {
	err := ranktest.Run(2, func(g ranks.Group) error {
		var own error
		if g.Rank() == 1 {
			own = terminal.Usagef("--data is missing")
		}
		err := stages.Agree(g, own)
		if !terminal.IsUsage(err) || !errors.As(err, new(ranks.Agreed)) {
			return fmt.Errorf("rank %d: %w is no usage error that all have", g.Rank(), err)
		}
		var b bytes.Buffer
		if status := ended(err, 0, &b); status != exitUsage {
			return fmt.Errorf("rank %d: status %d", g.Rank(), status)
		}
		if g.Rank() == 0 && !strings.HasPrefix(b.String(), "zos-ort: error: rank 1: --data is missing\n") {
			return fmt.Errorf("the first rank says %q", b.String())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
