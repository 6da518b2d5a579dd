package main

import (
	"bytes"
	"fmt"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/search"
)

func graphsCommand() *cli.Command {
	return &cli.Command{
		Name:  "graphs",
		Usage: "write the step graphs of a search and its checkpoint as files",
		Description: "Writes weight_step.onnx, alpha_step.onnx, eval.onnx, rank.onnx and state.ckpt, an ONNX " +
			"Runtime checkpoint with freshly initialised weights. The graphs run in any training build of " +
			"ONNX Runtime; with --kernels they are exactly those of a search, whose operators only zos-ort has, and " +
			"with --device cuda those of a search on a GPU.",
		Flags: join(methodFlags(), pruneFlags(), dataFlags(), []cli.Flag{
			&cli.StringFlag{Name: "mask", Usage: "mask `FILE`: masked operations are left out"},
			&cli.IntFlag{Name: "batch", DefaultText: "by preset", Usage: "images per step"},
			&cli.BoolFlag{Name: "kernels", Usage: "with zos-ort's own CPU operators, as a search runs them"},
			recomputeFlag(),
		}, outputFlags()),
		Before: noArguments,
		Action: graphsAction,
	}
}

func graphsAction(c *cli.Context) error {
	cfg, _, err := resolveConfig(c)
	if err != nil {
		return err
	}
	p := newConsole(c)
	if _, err := cfg.loadData(c.Context, p); err != nil {
		return err
	}
	mask := space.FullMask()
	if cfg.MaskFile != "" {
		if mask, err = space.ReadMask(cfg.MaskFile); err != nil {
			return err
		}
	}
	scfg := cfg.search(mask)
	spec, err := scfg.Spec(cfg.ImageSize).Learn()
	if err != nil {
		return err
	}
	switch onGPU, err := cfg.deviceSettings.plan(false, p); {
	case err != nil:
		return err
	case onGPU && c.Bool("kernels"):
		return terminal.Usagef("--kernels are for --device cpu")
	case onGPU:
		gpu, err := cfg.on(0)
		if err != nil {
			return err
		}
		spec = program.Lower(spec, ort.Options{CUDA: &gpu})
	default:
		spec.Kernels = c.Bool("kernels")
	}
	programs, err := search.Emit(spec)
	if err != nil {
		return err
	}
	rank, err := spec.Rank()
	if err != nil {
		return err
	}
	dir, err := rundir.Create(c.String("out"), "graphs")
	if err != nil {
		return err
	}
	return writeGraphs(p, dir, &cfg, programs, rank)
}

func writeGraphs(p *terminal.Console, dir rundir.Dir, cfg *config, programs search.Programs,
	rank *graphgen.Program) error {
	var rows [][]string
	for _, g := range []*graphgen.Program{programs.Weight, programs.Alpha, programs.Eval, rank} {
		name := g.Name + ".onnx"
		if err := dir.Write(name, g.Model); err != nil {
			return err
		}
		rows = append(rows, []string{name, fmt.Sprint(len(g.Graph.Nodes)), fmt.Sprint(len(g.Model))})
	}
	var state bytes.Buffer
	w := programs.Weight.Weights
	initial := cfg.search(space.FullMask()).InitialWeights(w)
	err := ort.WriteCheckpoint(&state, program.Params(programs.Shape(), program.Vectors{Weights: initial}))
	if err != nil {
		return err
	}
	if err := dir.Write("state.ckpt", state.Bytes()); err != nil {
		return err
	}
	rows = append(rows, []string{"state.ckpt", "-", fmt.Sprint(state.Len())})
	if err := dir.WriteJSON("config.json", cfg); err != nil {
		return err
	}
	if err := p.Table([]string{"file", "nodes", "bytes"}, rows); err != nil {
		return err
	}
	p.Result("written to %s", dir)
	return p.Value(map[string]any{"run": dir, "parameters": w.Len()})
}
