package sweeping

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/cells"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
)

// SmallPrefix stands before the flags of the small networks by which runs are ranked.
const SmallPrefix = "small-"

// SmallOptions are what a sweep may change about the small networks. Otherwise they are as wide and deep as the
// supernet, and trained as the candidates of a selection are.
var SmallOptions = settings.RetrainCommand.Only("channels", "cells", "epochs", "batch", "lr")

// checkRanking refuses a ranking that ranks nothing or keeps everything.
func (x *Matrix) checkRanking(c *cli.Context) error {
	runs := len(x.methods) * x.Seeds
	switch {
	case x.RankBy == "":
		if name, given := SmallOptions.Given(c, SmallPrefix); given || c.IsSet("keep") {
			if !given {
				name = "keep"
			}
			return terminal.Usagef("--%s has no effect without --rank-by %s", name, cells.Small)
		}
	case x.RankBy != cells.Small:
		return terminal.Usagef("unknown --rank-by %q: use %s", x.RankBy, cells.Small)
	case !x.Retrain:
		return terminal.Usagef("--rank-by chooses what is retrained: give --retrain as well")
	case !c.IsSet("keep"):
		return terminal.Usagef("--rank-by %s needs --keep K, the number of runs of every data set that are retrained", cells.Small)
	case x.Keep < 1:
		return terminal.Usagef("--keep must be at least 1, got %d", x.Keep)
	case x.Keep > runs:
		return terminal.Usagef("--keep %d: every data set has %d runs (methods times seeds): keep at most as many", x.Keep, runs)
	}
	return nil
}

// small resolves the training of a small network, which depends neither on the method nor on the seed of the run: all
// runs of a data set are ranked on the same images, from the same weights where their networks agree.
func (r *resolver) small(search settings.Experiment, standIn space.Genotype) (settings.Experiment, error) {
	e := search.Short(standIn)
	r.common(&e, r.first)
	SmallOptions.Apply(r.c, SmallPrefix, &e)
	if err := e.Check(); err != nil {
		return e, fmt.Errorf("%s: %w", SmallPrefix[:len(SmallPrefix)-1], err)
	}
	if err := r.images.fill(r.c.Context, &e, 0, r.console); err != nil {
		return e, err
	}
	e.Images.HoldOut = true
	if err := e.CheckImages(); err != nil {
		return e, fmt.Errorf("%s: %w", cells.Small, err)
	}
	return e, nil
}

// describeSmall tells people how the small networks are trained.
func describeSmall(e settings.Experiment) string {
	t := e.Retraining
	return fmt.Sprintf("networks of %d cells and %d channels, trained for %d epochs on half of the training images and tested on "+
		"the other", t.Cells, t.Channels, t.Epochs)
}

// outcomes are the results of all cells so far, with their places once nothing that is still to come could change them.
// A run that failed, or cannot run, holds up nothing.
func (x *Matrix) outcomes() (runs []cells.Outcome, ranked bool, err error) {
	ranked = x.RankBy != ""
	for _, c := range x.cells {
		o, err := c.Outcome()
		if err != nil {
			return nil, false, err
		}
		_, has := o.Values[cells.SmallAccuracy]
		ranked = ranked && (has || o.State == cells.Failed || c.refused != "")
		runs = append(runs, o)
	}
	if ranked {
		cells.Rank(runs)
	}
	return runs, ranked, nil
}

// rank lets the best runs of every data set go on to their retraining, leaves out the others, and returns those that
// may go on now.
func (x *Matrix) rank() (freed []int, err error) {
	runs, ranked, err := x.outcomes()
	if err != nil || !ranked {
		return nil, err
	}
	for i, o := range runs {
		if x.cells[i].State() != cells.Held {
			continue
		}
		hold := cells.LeftOut
		if o.Place <= x.Keep {
			hold = ""
			freed = append(freed, i)
		}
		x.cells[i].Cell = x.cells[i].Holding(hold)
	}
	return freed, nil
}
