package sweeping

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/cells"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
)

// Folder is an absolute path: of a new or empty folder, or of a sweep from before.
func Folder(path string) (string, error) {
	if path == "" {
		path = filepath.Join("runs", "sweep", time.Now().Format("20060102-150405"))
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("output folder: %w", err)
	}
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, nil
	case err != nil:
		return "", fmt.Errorf("output folder: %w", err)
	case len(entries) > 0 && !rundir.Exists(filepath.Join(path, "sweep.json")):
		return "", fmt.Errorf("output folder %s already holds files and is no sweep: choose another --out",
			path)
	}
	return path, nil
}

// Show prints the plan of a sweep: what runs, the memory and the time that it takes.
func (x *Matrix) Show(ctx context.Context, p *terminal.Console, out string) error {
	type row struct {
		Cell      string      `json:"cell"`
		State     cells.State `json:"state"`
		Predicted int64       `json:"predicted_peak_bytes"`
		Need      int64       `json:"predicted_need_bytes"`
		Seconds   *float64    `json:"predicted_seconds,omitempty"`
		Refused   string      `json:"refused,omitempty"`
		Place     int         `json:"place,omitempty"`
		Commands  [][]string  `json:"commands"`
	}
	durations, why, err := x.durations(ctx, p)
	if err != nil {
		return err
	}
	var rows []row
	var lines [][]string
	runs, _, err := x.outcomes()
	if err != nil {
		return err
	}
	for i, c := range x.cells {
		r := row{c.ID(), c.State(), c.Predicted, c.need, nil, c.refused, runs[i].Place, nil}
		takes := "-"
		if durations != nil && c.refused == "" {
			r.Seconds, takes = &durations[i], terminal.Duration(durations[i])
		}
		todo := string(r.State)
		if r.Place > 0 {
			todo += fmt.Sprintf(", place %d of the ranking", r.Place)
		}
		if r.Refused != "" && r.State != cells.Done {
			todo = "refused: " + r.Refused
		}
		for _, phase := range c.Phases {
			r.Commands = append(r.Commands, phase.Args)
		}
		rows = append(rows, r)
		lines = append(lines, []string{c.Data, c.Method, fmt.Sprint(c.Seed), terminal.OptionalMB(int(c.Predicted)),
			terminal.MB(int(c.need)), takes, todo})
	}
	if why == "" {
		why = x.total(durations, func(i int) bool { return x.cells[i].State() != cells.Done && x.cells[i].refused == "" })
	}
	p.Result("%d runs in %s, %d at a time with %d threads each (executor %s)", len(x.cells), out, x.Jobs,
		x.Threads, x.Executor)
	p.Result("duration: %s", why)
	if x.RankBy != "" {
		p.Result("runs are ranked by %s; the best %d of every data set are retrained, which durations do not count before the ranking",
			describeSmall(x.cells[0].small), x.Keep)
	}
	err = p.Table([]string{"data", "method", "seed", "predicted MB", "process MB", "duration", "state"}, lines)
	return errors.Join(err, p.Value(map[string]any{"out": out, "sweep": x, "cells": rows}))
}

// RunOne runs a cell that a sweep has prepared; its status file is the result.
func RunOne(c *cli.Context, p *terminal.Console) error {
	dir, err := cellFolder(c)
	if err != nil {
		return err
	}
	runner, err := cellRunner()
	if err != nil {
		return err
	}
	cell, err := runner.Run(c.Context, dir)
	if err != nil {
		return err
	}
	if cell.State() == cells.Failed {
		return fmt.Errorf("%v: %s", cell, cell.Err())
	}
	p.Result("%v: %s", cell, cell.State())
	return p.Value(cell)
}

// cellFolder is the absolute path of the cell that the command line names, directly or by a list and the index of a pod.
func cellFolder(c *cli.Context) (string, error) {
	name := "cell"
	if c.IsSet("cell-list") {
		name = "cell-list"
	}
	if c.IsSet("cell") && c.IsSet("cell-list") {
		return "", terminal.Usagef("--cell and --cell-list both name what is to run: give one of them")
	}
	path, err := filepath.Abs(c.String(name))
	if err != nil {
		return "", fmt.Errorf("--%s: %w", name, err)
	}
	if name == "cell" {
		return path, nil
	}
	return cells.Indexed(path, os.Getenv(cells.IndexVariable))
}

// cellRunner starts this very program.
func cellRunner() (cells.Runner, error) {
	program, err := os.Executable()
	if err != nil {
		return cells.Runner{}, fmt.Errorf("where this program is: %w", err)
	}
	return cells.Runner{Program: program}, nil
}
