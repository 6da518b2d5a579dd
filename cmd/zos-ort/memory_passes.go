package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/models/supernet"
)

// passRecompute is the pass that --recompute switches by itself; of all passes it is on auto.
const passRecompute = "recompute"

// Values of --passes that name no pass.
const (
	passesAll  = "all"
	passesNone = "none"
)

// passesPortable are the passes that make graphs for any runtime without computing anything twice.
const passesPortable = "share,pools,mix,shuffle,reduce,indices"

// passes are the rewrites that a search applies, by name.
var passes = []struct {
	name string
	on   func(*supernet.Config, *graphgen.Spec)
}{
	{"share", func(_ *supernet.Config, s *graphgen.Spec) { s.Share = true }},
	{"pools", func(c *supernet.Config, _ *graphgen.Spec) { c.Passes.SharePools = true }},
	{"mix", func(c *supernet.Config, _ *graphgen.Spec) { c.Passes.FoldMix = true }},
	{"shuffle", func(c *supernet.Config, _ *graphgen.Spec) { c.Passes.MergeShuffle = true }},
	{"reduce", func(_ *supernet.Config, s *graphgen.Spec) { s.Reductions = true }},
	{"indices", func(_ *supernet.Config, s *graphgen.Spec) { s.Indices = true }},
	{"kernels", func(_ *supernet.Config, s *graphgen.Spec) { s.Kernels = true }},
	{passRecompute, func(_ *supernet.Config, s *graphgen.Spec) { s.Recompute = graphgen.RecomputeOn }},
}

// passNames lists all values of --passes but lists.
func passNames() []string {
	names := []string{passesAll, passesNone}
	for _, p := range passes {
		names = append(names, p.name)
	}
	return names
}

// has reports whether a pass is on.
func (c memoryConfig) has(pass string) bool {
	return c.Passes == passesAll || slices.Contains(strings.Split(c.Passes, ","), pass)
}

// recompute is what --recompute says, or else --passes.
func (c memoryConfig) recompute() (graphgen.Recompute, error) {
	switch {
	case c.Recompute != "":
		return graphgen.ParseRecompute(c.Recompute)
	case c.Passes == passesAll:
		return graphgen.RecomputeAuto, nil
	case c.has(passRecompute):
		return graphgen.RecomputeOn, nil
	}
	return graphgen.RecomputeOff, nil
}

func recomputeFlag() cli.Flag {
	return &cli.StringFlag{Name: "recompute", Value: graphgen.RecomputeAuto.String(),
		Usage: "compute cheap values again in the backward pass, to keep less: on, off, or auto, if it pays"}
}

// checkPasses refuses an unknown name, and all or none in a list.
func (c memoryConfig) checkPasses() error {
	list := strings.Split(c.Passes, ",")
	for _, name := range list {
		single := name == passesAll || name == passesNone
		if !slices.Contains(passNames(), name) || (single && len(list) > 1) {
			return terminal.Usagef("unknown passes %q: use all, none or a list of %s", c.Passes,
				strings.Join(passNames()[2:], ","))
		}
	}
	if _, err := c.recompute(); err != nil {
		return terminal.Usage(err)
	}
	return nil
}
