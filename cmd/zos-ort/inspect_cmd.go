package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/onnx"
	"zos-ort/graphgen/reader"
)

func inspectCommand() *cli.Command {
	return &cli.Command{
		Name:      "inspect",
		Usage:     "say what is in an ONNX file",
		ArgsUsage: "FILE.onnx or RUN",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "text", Usage: "print the whole graph in ONNX's textual form"},
			&cli.BoolFlag{Name: "json", Usage: "print the summary as JSON"}},
		Action: inspectAction,
	}
}

func inspectAction(c *cli.Context) error {
	if c.NArg() != 1 {
		return terminal.Usagef("inspect takes one file, after its flags, got %d", c.NArg())
	}
	path, err := rundir.ModelFile(c.Args().First(), true)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	m, err := onnx.Parse(b)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if c.Bool("text") {
		_, err := fmt.Fprint(c.App.Writer, onnx.Text(m))
		return err
	}
	r, err := reader.Read(b)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return summarize(newConsole(c), m, r)
}

// summarize prints inputs, outputs, metadata and how often each operator occurs, and the size of the
// graph as an independent reader sees it.
func summarize(p *terminal.Console, m *onnx.ModelProto, r *reader.Graph) error {
	depth, err := r.Depth()
	if err != nil {
		return err
	}
	counts := map[string]int{}
	for _, n := range m.Graph.Node {
		counts[operatorName(n)]++
	}
	names := make([]string, 0, len(counts))
	for n := range counts {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var rows [][]string
	for _, n := range names {
		rows = append(rows, []string{n, fmt.Sprint(counts[n])})
	}
	p.Result("%s by %s %s, IR version %d, %d nodes", m.Graph.GetName(), m.GetProducerName(),
		m.GetProducerVersion(), m.GetIrVersion(), len(m.Graph.Node))
	p.Result("  read back by onnx-go: %d values, %d edges, depth %d", r.Nodes().Len(), r.Edges().Len(),
		depth)
	ports := onnx.Ports(m)
	for _, io := range ports {
		p.Result("  %s", io)
	}
	meta := map[string]string{}
	for _, kv := range m.MetadataProps {
		meta[kv.GetKey()] = kv.GetValue()
		p.Result("  %s = %.200s", kv.GetKey(), kv.GetValue())
	}
	if err := p.Table([]string{"operator", "count"}, rows); err != nil {
		return err
	}
	return p.Value(map[string]any{"graph": m.Graph.GetName(), "nodes": len(m.Graph.Node),
		"values": r.Nodes().Len(), "edges": r.Edges().Len(), "depth": depth, "operators": counts,
		"ports": ports, "metadata": meta})
}

func operatorName(n *onnx.NodeProto) string {
	if n.GetDomain() == "" {
		return n.GetOpType()
	}
	return n.GetDomain() + "." + n.GetOpType()
}
