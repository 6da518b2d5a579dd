package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/stages"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
	"zos-ort/prune"
)

func pruneCommand() *cli.Command {
	return &cli.Command{
		Name:        "prune",
		Usage:       "zero-shot pruning alone: find the mask, do not search",
		Description: "Writes a run directory with config.json, mask.json and scores.csv.",
		Flags: join(settings.PruneCommand.Flags("", settings.Paper()), []cli.Flag{
			&cli.StringFlag{Name: "compare", Usage: "say how much the mask has in common with that in `FILE`"},
			&cli.StringSliceFlag{Name: "merge", Usage: "go on from what the shards in `DIR` know, with their settings; " +
				"give it once for each"},
			&cli.BoolFlag{Name: "dry-run", Usage: "print the settings and the rounds to come, and stop"}},
			settings.ShardOptions.Flags("", settings.Paper()), runFlags("prune"), settings.Report()),
		Before: noArguments,
		Action: pruneAction,
	}
}

func pruneAction(c *cli.Context) error {
	other, err := comparedMask(c)
	if err != nil {
		return err
	}
	from := settings.Searching(settings.Join(settings.PruneCommand, settings.ShardOptions), "prune")
	var shards *stages.Shards
	if dirs := c.StringSlice("merge"); len(dirs) > 0 {
		if c.IsSet("resume") || c.IsSet("config") || c.IsSet("preset") {
			return terminal.Usagef("--merge takes the settings of the shards: leave --resume, --config and --preset away")
		}
		if shards, err = stages.ReadShards(dirs, newConsole(c)); err != nil {
			return err
		}
		from.Config = rundir.Dir(dirs[0]).Path("config.json")
	}
	return atWork(c, from, planRounds, func(r *stages.Run) error {
		if err := r.Merge(shards); err != nil {
			return err
		}
		out, err := r.Prune(c.Context)
		var part *prune.PartError
		if errors.As(err, &part) {
			r.Console.Result("%v; zos-ort prune --merge %s ... goes on from all parts", part, r.Dir)
			return r.Console.Value(stages.PartResult{Run: string(r.Dir), Round: part.Round, Networks: part.Networks, All: part.All})
		}
		if err != nil {
			return err
		}
		if other != nil {
			out.Common = new(common(out.Mask, *other))
			r.Console.Result("%d of the %d operations are also among the %d of %s", *out.Common,
				out.Mask.Count(), other.Count(), c.String("compare"))
		}
		return r.Console.Value(out)
	})
}

// comparedMask reads the mask of --compare, nil without one.
func comparedMask(c *cli.Context) (*space.Mask, error) {
	path := c.String("compare")
	if path == "" {
		return nil, nil
	}
	m, err := space.ReadMask(path)
	return &m, err
}

// common counts the operations that both masks keep.
func common(a, b space.Mask) (n int) {
	for t, e := range a.Places() {
		n += (a.At(t, e) & b.At(t, e)).Len()
	}
	return n
}

// plannedRound is a round in the result of a dry run.
type plannedRound struct {
	settings.PlannedRound
	Fraction stages.Remaining `json:"left"`
}

// planRounds prints what a pruning is going to do, which takes no network.
func planRounds(r *stages.Run) error {
	if !r.Prunes() {
		return errors.Join(r.Settings(), r.Console.Value(map[string]any{"config": r.Experiment}))
	}
	plan, err := prune.Plan(r.Pruning(), r.Space.Of().FullMask())
	if err != nil {
		return err
	}
	if err := r.Settings(); err != nil {
		return err
	}
	var list []plannedRound
	var rows [][]string
	networks := 0
	for i, x := range r.Rounds(plan) {
		left := stages.RemainingOf(x.Mask)
		list, networks = append(list, plannedRound{x, left}), networks+x.Networks
		rows = append(rows, []string{fmt.Sprint(i + 1), fmt.Sprint(x.Ranked), fmt.Sprint(x.Networks),
			fmt.Sprint(x.Left), fmt.Sprintf("%.3f", left.Operations), fmt.Sprintf("%.3g", left.Architectures)})
	}
	if len(rows) > 0 {
		err := r.Console.Table([]string{"round", "operations ranked", "networks", "left", "of the operations",
			"of the architectures"}, rows)
		if err != nil {
			return err
		}
	}
	r.Console.Result("%d rounds, %d networks of %d images each; %d of %d operations are left", len(list),
		networks, r.Ranking.Batch*r.Ranking.Batches, plan.Mask.Count(), r.Space.Of().FullMask().Count())
	return r.Console.Value(map[string]any{"config": r.Experiment, "rounds": list, "networks": networks,
		"predicted_seconds": r.Forecast.Map(), "left_operations": plan.Mask.Count()})
}
