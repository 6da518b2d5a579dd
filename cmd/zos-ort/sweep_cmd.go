package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/sweep"
	"zos-ort/cmd/internal/terminal"
)

func sweepCommand() *cli.Command {
	return &cli.Command{
		Name:  "sweep",
		Usage: "compare methods: a matrix of methods, data sets and seeds, and its table",
		Description: "Every run is a process of its own, so that a failure takes one and not the others. " +
			"The folder holds cells/DATA/METHOD/seed-N with status, logs and run directories, and " +
			"table.md, table.csv, table.json, runs.csv and bar charts beside the paper's Table 1. The same " +
			"command goes on where it was stopped. Flags that are not the sweep's own are handed to " +
			"zos-ort search, those that begin with retrain- to zos-ort retrain.",
		Flags:  sweepFlags(),
		Before: noArguments,
		Action: sweepAction,
	}
}

func sweepAction(c *cli.Context) error {
	if c.IsSet("cell") {
		return runOneCell(c)
	}
	x, err := resolveMatrix(c)
	if err != nil {
		return err
	}
	out, err := sweepFolder(c.String("out"))
	if err != nil {
		return err
	}
	for i := range x.cells {
		if x.cells[i].Cell, err = x.cells[i].Adopt(out); err != nil {
			return err
		}
	}
	p := newConsole(c)
	if c.Bool("dry-run") {
		return x.show(p, out)
	}
	lock, err := host.Lock(out)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := rundir.Dir(out).WriteJSON("sweep.json", x); err != nil {
		return err
	}
	s := &sweepRun{sweepMatrix: x, out: out, console: p}
	if x.Executor == "slurm" {
		return s.slurm(c)
	}
	return s.local(c.Context)
}

// sweepFolder is an absolute path: of a new or empty folder, or of a sweep from before.
func sweepFolder(path string) (string, error) {
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

// show prints the plan of a sweep.
func (x *sweepMatrix) show(p *terminal.Console, out string) error {
	type row struct {
		Cell      string      `json:"cell"`
		State     sweep.State `json:"state"`
		Predicted int64       `json:"predicted_peak_bytes"`
		Need      int64       `json:"predicted_need_bytes"`
		Refused   string      `json:"refused,omitempty"`
		Commands  [][]string  `json:"commands"`
	}
	var rows []row
	var cells [][]string
	for _, c := range x.cells {
		r := row{c.ID(), c.State(), c.Predicted, c.need, c.refused, nil}
		todo := string(r.State)
		if r.Refused != "" && r.State != sweep.Done {
			todo = "refused: " + r.Refused
		}
		for _, phase := range c.Phases {
			r.Commands = append(r.Commands, phase.Args)
		}
		rows = append(rows, r)
		cells = append(cells, []string{c.Data, c.Method, fmt.Sprint(c.Seed), terminal.OptionalMB(int(c.Predicted)),
			terminal.MB(int(c.need)), todo})
	}
	p.Result("%d runs in %s, %d at a time with %d threads each (executor %s)", len(x.cells), out, x.Jobs,
		x.Threads, x.Executor)
	err := p.Table([]string{"data", "method", "seed", "predicted MB", "process MB", "state"}, cells)
	return errors.Join(err, p.Value(map[string]any{"out": out, "sweep": x, "cells": rows}))
}

// runOneCell runs a cell that a sweep has prepared; its status file is the result.
func runOneCell(c *cli.Context) error {
	dir, err := filepath.Abs(c.String("cell"))
	if err != nil {
		return fmt.Errorf("--cell: %w", err)
	}
	runner, err := cellRunner()
	if err != nil {
		return err
	}
	cell, err := runner.Run(c.Context, dir)
	if err != nil {
		return err
	}
	p := newConsole(c)
	if cell.State() == sweep.Failed {
		return fmt.Errorf("%v: %s", cell, cell.Err())
	}
	p.Result("%v: %s", cell, cell.State())
	return p.Value(cell)
}

// cellRunner starts this very program.
func cellRunner() (sweep.Runner, error) {
	program, err := os.Executable()
	if err != nil {
		return sweep.Runner{}, fmt.Errorf("where this program is: %w", err)
	}
	return sweep.Runner{Program: program}, nil
}
