package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/graphgen/ir"
	"zos-ort/models/celldraw"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/ort/program"
	"zos-ort/search/data"
)

const streamNetwork = 4000

// exportGenotype writes the genotype, its drawings, and the derived network and its cells as ONNX
// files with freshly initialised weights: what a search finds is an architecture.
func exportGenotype(ctx context.Context, cfg *config, g space.Genotype, mask space.Mask,
	dir rundir.Dir) error {
	if err := dir.WriteJSON("genotype.json", g); err != nil {
		return err
	}
	for _, t := range space.CellTypes {
		dot := celldraw.DOT("cell_"+t.String(), g.Cell(t))
		if err := dir.Write("cell_"+t.String()+".dot", []byte(dot)); err != nil {
			return err
		}
		svg, err := celldraw.SVG(ctx, dot)
		if err != nil {
			return fmt.Errorf("draw %v cell: %w", t, err)
		}
		if err := dir.Write("cell_"+t.String()+".svg", svg); err != nil {
			return err
		}
	}
	return exportONNX(cfg, g, mask, dir)
}

func exportONNX(cfg *config, g space.Genotype, mask space.Mask, dir rundir.Dir) error {
	net := network.Config{Genotype: g, Channels: cfg.NetChannels, Cells: cfg.NetCells,
		Classes: cfg.Classes}
	tensors, err := freshTensors(net, cfg)
	if err != nil {
		return err
	}
	full, err := net.Graph(tensors, cfg.ImageSize)
	if err != nil {
		return err
	}
	if err := cfg.writeModel(dir, "network.onnx", full, g, mask); err != nil {
		return err
	}
	for _, t := range space.CellTypes {
		cell, err := net.CellGraph(t, tensors, cfg.ImageSize)
		if err != nil {
			return err
		}
		if err := cfg.writeModel(dir, "cell_"+t.String()+".onnx", cell, g, mask); err != nil {
			return err
		}
	}
	return nil
}

// freshTensors initialises the derived network.
func freshTensors(net network.Config, cfg *config) (graphgen.Tensors, error) {
	spec := graphgen.Spec{Forward: net.Forward(), Batch: 1, Image: cfg.ImageSize, Classes: cfg.Classes}
	p, err := spec.Evaluate()
	if err != nil {
		return nil, err
	}
	weights := p.Weights.Initialize(rand.New(rand.NewPCG(cfg.Seed, streamNetwork)))
	v := program.Vectors{Weights: weights}.Complete(program.Shape{Weights: p.Weights, Stats: p.Stats})
	return p.Tensors(v.Weights, v.Means, v.Variances), nil
}

// writeModel writes a graph for deployment: any batch size, and how it came about in its metadata.
func (cfg *config) writeModel(dir rundir.Dir, name string, g *ir.Graph, gen space.Genotype,
	mask space.Mask) error {
	maskText, err := json.Marshal(mask) // on one line
	if err != nil {
		return err
	}
	return writeONNX(dir, name, g, "Untrained network derived from a genotype found by zos-ort.",
		map[string]string{"zos.genotype": gen.String(), "zos.mask": string(maskText),
			"zos.method": cfg.Method, "zos.xi": terminal.Number(cfg.Xi), "zos.seed": fmt.Sprint(cfg.Seed),
			"zos.data": cfg.DataName + " " + cfg.Fingerprint, "zos.trained": "false"})
}

// writeONNX writes a graph with a free batch dimension.
func writeONNX(dir rundir.Dir, name string, g *ir.Graph, doc string, meta map[string]string) error {
	b, err := modelBytes(g, doc, meta)
	if err != nil {
		return err
	}
	return dir.Write(name, b)
}

// exportRun writes model.onnx of a training that has ended.
func exportRun(ctx context.Context, dir rundir.Dir, train, test *data.Set, p *terminal.Console) error {
	t, err := openTrained(string(dir))
	if err != nil {
		return err
	}
	v, err := newExporter(t, train, test, false, false, p).fp32(ctx)
	if err != nil {
		return err
	}
	return dir.Write("model.onnx", v.model)
}
