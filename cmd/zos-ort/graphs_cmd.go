package main

import (
	"cmp"
	"fmt"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/images"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/stages"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/graphgen/pass"
)

func graphsCommand() *cli.Command {
	return &cli.Command{
		Name:  "graphs",
		Usage: "write the step graphs of a search and its checkpoint as files",
		Description: "Writes weight_step.onnx, alpha_step.onnx, eval.onnx, rank.onnx and state.ckpt, an ONNX " +
			"Runtime checkpoint with freshly initialised weights. The graphs run in any training build of " +
			"ONNX Runtime; with --kernels they are exactly those of a search, whose operators only zos-ort has, and " +
			"with --device cuda those of a search on a GPU.",
		Flags: join(settings.GraphsCommand.Flags("", settings.Paper()), []cli.Flag{
			&cli.BoolFlag{Name: "kernels", Usage: "with zos-ort's own CPU operators, as a search runs them"},
			settings.Out("graphs")}, settings.Report()),
		Before: noArguments,
		Action: graphsAction,
	}
}

func graphsAction(c *cli.Context) error {
	r, err := settings.Searching(settings.GraphsCommand, "graphs").Resolve(c)
	if err != nil {
		return err
	}
	p, e := newConsole(c), r.Experiment
	if _, _, err := images.Load(c.Context, &e.Images, e.Seed, 0, p); err != nil {
		return err
	}
	mask := e.Space.Of().FullMask()
	if file := e.Ranking.MaskFile; file != "" {
		if mask, err = e.ReadMask(file); err != nil {
			return err
		}
	}
	d, err := device.Plan(&e, false, p)
	if err != nil {
		return err
	}
	defer d.Close()
	switch {
	case e.Device.GPU && c.Bool("kernels"):
		return terminal.Usagef("--kernels are for --device cpu")
	case !c.Bool("kernels"):
		e.Execution.Passes = settings.PassesPortable
		e.Execution.Recompute = cmp.Or(e.Execution.Recompute, pass.RecomputeAuto.String())
	}
	programs, err := e.Programs(settings.StageSearch, mask)
	if err != nil {
		return err
	}
	e.Ranking.Batch = e.Search.Batch
	rank, err := e.Programs(settings.StagePruning, mask)
	if err != nil {
		return err
	}
	dir, err := rundir.Create(c.String("out"), "graphs")
	if err != nil {
		return err
	}
	return writeGraphs(p, dir, e, append(programs, rank...))
}

func writeGraphs(p *terminal.Console, dir rundir.Dir, e settings.Experiment,
	programs []*graphgen.Program) error {
	var rows [][]string
	for _, g := range programs {
		name := g.Name + ".onnx"
		file, err := g.File()
		if err != nil {
			return err
		}
		if err := dir.Write(name, file); err != nil {
			return err
		}
		rows = append(rows, []string{name, fmt.Sprint(len(g.Graph.Nodes)), fmt.Sprint(len(file))})
	}
	state, err := stages.InitialState(e, programs[0])
	if err != nil {
		return err
	}
	if err := dir.Write("state.ckpt", state); err != nil {
		return err
	}
	rows = append(rows, []string{"state.ckpt", "-", fmt.Sprint(len(state))})
	if err := dir.WriteJSON("config.json", e); err != nil {
		return err
	}
	if err := p.Table([]string{"file", "nodes", "bytes"}, rows); err != nil {
		return err
	}
	p.Result("written to %s", dir)
	return p.Value(map[string]any{"run": dir, "parameters": programs[0].Weights.Len()})
}
