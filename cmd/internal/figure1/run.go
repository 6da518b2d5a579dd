package figure1

import (
	"context"
	"time"

	"zos-ort/cmd/internal/report"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
)

// Run scores both groups, compares them and writes the figure.
func Run(ctx context.Context, s *Settings, open func() (scorer, error), dir rundir.Dir,
	p *terminal.Console) error {
	start := time.Now()
	scorer, err := open()
	if err != nil {
		return err
	}
	defer scorer.close()
	groups, err := s.draw()
	if err != nil {
		return err
	}
	defer p.Stop()
	for i := range groups {
		g := &groups[i]
		p.Start(len(g.archs), "scoring "+g.name)
		if g.scores, err = scorer.scores(ctx, g.archs, func() { p.Step("") }); err != nil {
			return err
		}
		p.Stop()
	}
	res := resultOf(groups)
	res.Run = string(dir)
	if err := s.save(dir, groups, res); err != nil {
		return err
	}
	if err := report.Write(string(dir)); err != nil {
		return err
	}
	if err := res.print(p); err != nil {
		return err
	}
	p.Result("%.1f s; written to %s", time.Since(start).Seconds(), dir)
	return p.Value(res)
}
