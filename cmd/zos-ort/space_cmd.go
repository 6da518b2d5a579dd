package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/celldraw"
	"zos-ort/models/method"
	"zos-ort/models/space"
)

func spaceCommand() *cli.Command {
	return &cli.Command{
		Name:      "space",
		Usage:     "say what a search space is, or check the document of one",
		ArgsUsage: "NAME|FILE",
		Description: "Prints the operations, the cell and the networks of a space: one that comes with the program (" +
			strings.Join(space.Shipped(), ", ") + ") or the document in a file. Memory is predicted for images of 32x32, ten classes " +
			"and batches of 64, with all channels. --out draws the cells.",
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "write the document and drawings of its cells into `DIR`"}}, settings.Report()),
		Action: spaceAction,
	}
}

// spaceInfo is what a space is.
type spaceInfo struct {
	Name          string   `json:"name"`
	About         string   `json:"about,omitempty"`
	Operations    []string `json:"operations"`
	Cell          []string `json:"cell"`
	Architectures float64  `json:"log10_architectures"`
	Search        netInfo  `json:"search"`
	Retraining    netInfo  `json:"retraining"`
	Peak          int      `json:"search_peak_bytes"`        // unpruned
	PeakHalf      int      `json:"search_peak_bytes_xi_0.5"` // of half of the operations
}

// netInfo is a network of a space.
type netInfo struct {
	Channels   int    `json:"channels"`
	Cells      int    `json:"cells"`
	Skeleton   string `json:"skeleton"`
	Parameters int    `json:"parameters"` // of the supernet, or of the heaviest architecture
}

func spaceAction(c *cli.Context) error {
	if c.NArg() != 1 {
		return terminal.Usagef("space takes one name or file, after its flags, got %d", c.NArg())
	}
	s, err := space.Open(c.Args().First())
	if err != nil {
		return err
	}
	info, err := describeSpace(s)
	if err != nil {
		return err
	}
	p := newConsole(c)
	if out := c.String("out"); out != "" {
		if err := drawSpace(s, rundir.Dir(out)); err != nil {
			return err
		}
		p.Say("written to %s", out)
	}
	info.print(p)
	return p.Value(info)
}

func describeSpace(s *space.Space) (info spaceInfo, err error) {
	const classes = 10
	search, retrain := s.Skeleton().Search, s.Skeleton().Retrain
	info = spaceInfo{Name: s.Name(), About: s.About(), Cell: celldraw.SpaceText(s),
		Architectures: s.LogArchitectures() / math.Ln10,
		Search: netInfo{search.Channels, search.Cells, s.Describe(search),
			space.SupernetParams(s.FullMask(), search.Channels, search.Cells, classes, 1)},
		Retraining: netInfo{retrain.Channels, retrain.Cells, s.Describe(retrain),
			space.NetworkParams(s.Heaviest(), retrain.Channels, retrain.Cells, classes, false)}}
	for _, op := range s.Operations() {
		info.Operations = append(info.Operations, op.String())
	}
	m, err := method.Find("darts")
	if err != nil {
		return info, err
	}
	const batch, half = 64, .5
	e := settings.PaperOnCIFAR().In(space.RefTo(s)).With(m).WithBatch(settings.StageSearch, batch)
	if info.Peak, err = memory.Peak(e, settings.StageSearch, s.FullMask()); err != nil {
		return info, err
	}
	mask, _ := s.RandomMask(e.MaskStream(0), half)
	info.PeakHalf, err = memory.Peak(e, settings.StageSearch, mask)
	return info, err
}

func (i spaceInfo) print(p *terminal.Console) {
	p.Result("%s", i.Name)
	if i.About != "" {
		p.Result("%s", i.About)
	}
	p.Result("operations: %s", strings.Join(i.Operations, ", "))
	p.Result("cell:\n  %s", strings.Join(i.Cell, "\n  "))
	count := fmt.Sprintf("10^%.1f", i.Architectures)
	if i.Architectures < 9 {
		count = fmt.Sprintf("%.0f", math.Round(math.Pow(10, i.Architectures)))
	}
	p.Result("%s architectures", count)
	p.Result("search: %s\n  %.3f M parameters unpruned; peak %.0f MB, with half of the operations %.0f MB, predicted", i.Search.Skeleton,
		float64(i.Search.Parameters)/1e6, float64(i.Peak)/1e6, float64(i.PeakHalf)/1e6)
	p.Result("retraining: %s\n  at most %.3f M parameters", i.Retraining.Skeleton, float64(i.Retraining.Parameters)/1e6)
}

// drawSpace writes the document, and a drawing of every kind of cell.
func drawSpace(s *space.Space, dir rundir.Dir) error {
	if err := dir.Write("space.json", append(s.Document(), '\n')); err != nil {
		return err
	}
	for _, t := range s.CellTypes() {
		if err := dir.Write("cell_"+t.String()+".svg", celldraw.SpaceSVG(s.Name()+", "+t.String()+" cell", s, t)); err != nil {
			return err
		}
	}
	return nil
}
