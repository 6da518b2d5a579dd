package stages

import (
	"encoding/json"
	"fmt"

	"zos-ort/cmd/internal/deploy"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/pass"
	"zos-ort/models/celldraw"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/models/stream"
	"zos-ort/ort/program"
)

// export writes the genotype, its drawings, and the derived network and its cells as ONNX
// files with freshly initialised weights: what a search finds is an architecture.
func (r *Run) export(g space.Genotype, mask space.Mask) (*deploy.Cost, error) {
	dir := r.Dir
	if err := dir.WriteJSON("genotype.json", g); err != nil {
		return nil, err
	}
	for _, t := range g.Space().CellTypes() {
		dot := celldraw.DOT("cell_"+t.String(), g, t)
		if err := dir.Write("cell_"+t.String()+".dot", []byte(dot)); err != nil {
			return nil, err
		}
		if err := dir.Write("cell_"+t.String()+".svg", celldraw.SVG("cell_"+t.String(), g, t)); err != nil {
			return nil, err
		}
	}
	return r.exportONNX(g, mask)
}

func (r *Run) exportONNX(g space.Genotype, mask space.Mask) (*deploy.Cost, error) {
	net := network.Config{Genotype: g, Channels: r.Experiment.Export.Channels,
		Cells: r.Experiment.Export.Cells, Classes: r.Images.Classes}
	tensors, err := r.freshTensors(net)
	if err != nil {
		return nil, err
	}
	full, err := net.Graph(tensors, r.Images.Size)
	if err != nil {
		return nil, err
	}
	bytes, err := r.writeModel("network.onnx", full, g, mask)
	if err != nil {
		return nil, err
	}
	for _, t := range g.Space().CellTypes() {
		cell, err := net.CellGraph(t, tensors, r.Images.Size)
		if err != nil {
			return nil, err
		}
		if _, err := r.writeModel("cell_"+t.String()+".onnx", cell, g, mask); err != nil {
			return nil, err
		}
	}
	return deploy.CostOf(full, bytes), nil
}

// freshTensors initialises the derived network.
func (r *Run) freshTensors(net network.Config) (graphgen.Tensors, error) {
	p, err := net.Spec(1, r.Images.Size, pass.Lowering{}).Evaluate()
	if err != nil {
		return nil, err
	}
	weights := p.Weights.Initialize(stream.New(r.Seed, stream.Network, 0))
	return program.Fresh(p, weights), nil
}

// writeModel writes a graph for deployment: any batch size, and how it came about in its metadata.
func (r *Run) writeModel(name string, g *ir.Graph, gen space.Genotype, mask space.Mask) (bytes int, err error) {
	maskText, err := json.Marshal(mask) // on one line
	if err != nil {
		return 0, err
	}
	b, err := deploy.File(g, "Untrained network derived from a genotype found by zos-ort.",
		map[string]string{"zos.genotype": gen.String(), "zos.mask": string(maskText),
			"zos.method": r.Method, "zos.xi": terminal.Number(r.Ranking.Xi), "zos.seed": fmt.Sprint(r.Seed),
			"zos.data": r.Images.Name + " " + r.Images.Fingerprint, "zos.trained": "false"})
	if err != nil {
		return 0, err
	}
	return len(b), r.Dir.Write(name, b)
}
