package stages

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/judge"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/models/budget"
	"zos-ort/models/method"
	"zos-ort/models/ranks"
	"zos-ort/models/space"
	"zos-ort/models/stream"
	"zos-ort/ort/meter"
	"zos-ort/prune"
	"zos-ort/prune/ranking"
	"zos-ort/search/checkpoint"
	"zos-ort/search/data"
)

// Pruned is a mask and the pruning rounds that led to it, if any.
type Pruned struct {
	Mask    space.Mask
	Rounds  []prune.Round
	Seconds float64
}

// Genotype derives the genotype of pruning alone: every edge has one operation left, whose strength is its
// score in the last round.
func (p Pruned) Genotype(ls budget.Limits) (space.Genotype, error) {
	if len(p.Rounds) == 0 {
		return space.Genotype{}, fmt.Errorf("pruning made no round: there are no scores to derive a genotype from")
	}
	last := space.Scores(*p.Rounds[len(p.Rounds)-1].Scores)
	return ls.Derive(&last, p.Mask)
}

// Remaining are fractions of the search space that a mask leaves.
type Remaining struct {
	Operations    float64 `json:"operations"`
	Architectures float64 `json:"architectures"`
}

// RemainingOf measures a mask against the whole space.
func RemainingOf(m space.Mask) Remaining {
	full := m.Space().FullMask()
	return Remaining{m.RemainingOperations(full), m.RemainingArchitectures(full)}
}

// PruneResult is what a pruning reports.
type PruneResult struct {
	Run       string             `json:"run"`
	Mask      space.Mask         `json:"mask"`
	Remaining Remaining          `json:"remaining"`
	Common    *int               `json:"common_operations,omitempty"` // with the mask of --compare
	Rounds    []RoundInfo        `json:"rounds,omitempty"`
	Judge     *judge.Report      `json:"judge,omitempty"`
	GPU       *meter.Peaks       `json:"gpu_memory,omitempty"`
	PeakRSS   int64              `json:"peak_rss_bytes"`
	Predicted int                `json:"predicted_peak_bytes"`
	Forecast  map[string]float64 `json:"predicted_seconds,omitempty"` // by part of the run
	Seconds   float64            `json:"seconds"`
}

// Prune is the stage of zero-shot pruning alone.
func (r *Run) Prune(ctx context.Context) (out PruneResult, err error) {
	res, err := r.mask(ctx)
	if err != nil {
		return out, err
	}
	if !r.leads() {
		return out, nil
	}
	out = PruneResult{Run: string(r.Dir), Mask: res.Mask, Remaining: RemainingOf(res.Mask),
		Rounds: roundsInfo(res.Rounds), GPU: r.Device.Meter.Total(),
		PeakRSS: host.PeakRSS(), Predicted: r.Need.Peak, Forecast: r.Forecast.Map(), Seconds: res.Seconds}
	device.Print(out.GPU, r.Console)
	r.Console.Result("%.3f of the operations and %.3g of the architectures are left; written to %s",
		out.Remaining.Operations, out.Remaining.Architectures, r.Dir)
	if out.Judge, err = r.judged(ctx); err != nil {
		return out, err
	}
	return out, r.Dir.WriteJSON(resultFile, out)
}

// mask obtains the mask that the method wants and saves it with the scores.
func (r *Run) mask(ctx context.Context) (res Pruned, err error) {
	m, p := r.Technique(), r.Console
	full := r.Space.Of().FullMask()
	res.Mask = full
	switch file := r.Ranking.MaskFile; {
	case file != "" && !r.leads(): // the first rank has it
	case file != "" && rundir.Exists(r.Dir.Path("mask.json")): // resumed; the file may have changed
		res.Mask, err = r.ReadMask(r.Dir.Path("mask.json"))
	case file != "":
		res.Mask, err = r.ReadMask(file)
	case m.Mask == method.RandomMask:
		var repairs []space.Repair
		res.Mask, repairs, err = r.DrawMask(0)
		for _, repair := range repairs {
			p.Say("random mask: %v", repair)
		}
	case m.Ranks():
		res, err = r.prune(ctx)
		err = r.explain(err, settings.StagePruning, full)
	}
	if err == nil {
		err = ranks.Share(r.Ranks, &res.Mask, 0)
	}
	if err != nil {
		return res, err
	}
	left := RemainingOf(res.Mask)
	p.Say("mask: %d of %d operations left (%.3f of the operations, %.3g of the architectures)",
		res.Mask.Count(), full.Count(), left.Operations, left.Architectures)
	if err := r.Dir.WriteJSON("mask.json", res.Mask); err != nil {
		return res, err
	}
	if err := r.Dir.Write("scores.csv", scoresCSV(res.Rounds)); err != nil {
		return res, err
	}
	r.draw()
	return res, nil
}

// pruneCheckpoint is the content of a checkpoint of a pruning.
type pruneCheckpoint struct {
	prune.Progress
	Seconds float64
}

// position counts rounds and networks.
func (c pruneCheckpoint) position() string {
	known := 0
	for _, norms := range c.Rounds[len(c.Rounds)-1] {
		known += len(norms) - norms.Missing()
	}
	return checkpoint.Position(len(c.Rounds), known)
}

// prune is Algorithm 1 with a progress bar, from the last checkpoint on if there is one.
func (r *Run) prune(ctx context.Context) (res Pruned, err error) {
	var from pruneCheckpoint
	p, store := r.Console, r.Dir.Checkpoints("prune")
	if _, ok, err := store.Load(&from, damaged(p)); err != nil {
		return res, err
	} else if ok {
		p.Say("resuming at pruning round %d", len(from.Rounds))
	}
	if err := ranks.Share(r.Ranks, &from, 0); err != nil {
		return res, err
	}
	start := time.Now()
	seconds := func() float64 { return from.Seconds + time.Since(start).Seconds() }
	var label string
	left := 0
	again := func() { p.Start(left, label) }
	clock := networkClock{run: r}
	observer := prune.Observer{
		Start: func(round, networks int, mask space.Mask) {
			label = fmt.Sprintf("pruning round %d, %d operations", round, mask.Count())
			left = networks
			again()
			clock.start(round, networks)
		},
		Step: func() { left--; p.Step(label + clock.step() + r.Device.Meter.Now()) },
		Done: func(round int, x prune.Round) {
			p.Stop()
			p.Say("pruning round %d: %s %.4f, %d initialisations, %d operations removed, %d left%s%s", round,
				r.firstRanker(), x.Norm, x.Repeats, len(x.Removed), x.Mask.Count(), sureness(x), r.Device.Meter.Take().After("; "))
		},
		Save: func(at prune.Progress) error {
			c := pruneCheckpoint{at, seconds()}
			return store.Save(c.position(), c, nil)
		},
	}
	defer p.Stop()
	terminal.Doing(ctx, "opening the sessions of the pruning, or ranking a network")
	ranker, err := Ranker(ctx, r.Experiment, r.Device, r.train)
	if err == nil && r.Ranking.Epochs > 0 {
		ranker.Weights = func(ctx context.Context, repeat int, l graphgen.Layout) ([]float32, error) {
			p.Stop()
			defer again()
			return r.trainedRanking(ctx, repeat, l)
		}
	}
	if err != nil {
		return res, err
	}
	cfg := r.Pruning()
	cfg.Ranks = r.Ranks
	x, err := prune.Run(ctx, cfg, r.Space.Of().FullMask(), ranker, from.Progress, observer)
	if err != nil {
		return res, r.indistinct(err)
	}
	warnUnsure(x.Rounds, p)
	return Pruned{x.Mask, x.Rounds, seconds()}, store.Finish()
}

// indistinct advises what to do where the scores of a round tell nothing apart.
func (r *Run) indistinct(err error) error {
	var tied *prune.Indistinct
	if !errors.As(err, &tied) {
		return err
	}
	list, _ := r.Rankers()
	better := "another of --rankers may tell them apart"
	if tied.Noise {
		better = "--pool network or more --repeats make the ranking surer"
	}
	return &terminal.Hinted{Text: fmt.Sprintf("ranker %s: %v", list[tied.Ranker].Name, err), Final: true,
		Hint: fmt.Sprintf("%s; zos-ort %s --resume %s --allow-ties goes on all the same", better, r.Command, r.Dir)}
}

// firstRanker names what a round reports of the whole network.
func (r *Run) firstRanker() string {
	list, _ := r.Rankers()
	if list[0].Name == "nngp" {
		return "kernel norm"
	}
	return list[0].Name
}

// Ranker ranks the networks of an experiment on its images.
func Ranker(ctx context.Context, e settings.Experiment, d *device.Device,
	train *data.Set) (*ranking.Supernet, error) {
	full := e.Space.Of().FullMask()
	spec, err := e.Spec(settings.StagePruning, full)
	if err != nil {
		return nil, err
	}
	rankers, _ := e.Rankers()
	options := d.Options(e)
	options.Threads = 1
	return &ranking.Supernet{Rankers: rankers, Net: e.RankingNet(full), Batch: e.Ranking.Batch,
		Image: e.Images.Size, Kernel: prune.Kernel(e.Ranking.Kernel), Workers: e.RankingSessions(),
		Options: options, Lowering: spec.Lowering,
		Weights: func(_ context.Context, repeat int, l graphgen.Layout) ([]float32, error) {
			return l.Initialize(stream.New(e.Seed, stream.RankWeights, uint64(repeat))), nil
		},
		Images: func(repeat int) ([]ranking.Batch, error) { return RankingBatches(ctx, e, train, repeat) },
	}, nil
}

// RankingBatches are the batches of a repeat, without augmentation.
func RankingBatches(ctx context.Context, e settings.Experiment, train *data.Set,
	repeat int) (batches []ranking.Batch, err error) {
	c := data.LoaderConfig{Set: train, Batch: e.Ranking.Batch, Shuffle: true,
		Seed: stream.Seed(e.Seed, stream.RankImages, uint64(repeat)), Tail: data.TailDrop}
	if e.Ranking.Epochs > 0 { // the other half has trained
		_, c.Indices = data.Split(train.Len(), e.Seed)
	}
	l, err := data.NewLoader(ctx, c)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	images := l.Endless(0)
	for range e.Ranking.Batches {
		b, ok := images.Next()
		if !ok {
			return nil, images.Err()
		}
		batches = append(batches, ranking.Batch{Images: slices.Clone(b.Images), Labels: slices.Clone(b.Labels)})
	}
	return batches, nil
}

// scoresCSV lists the score of every operation in every round.
func scoresCSV(rounds []prune.Round) []byte {
	rows := [][]string{{"round", "kernel_norm", "cell", "edge", "operation", "score", "removed", "certainty"}}
	for i, r := range rounds {
		full := r.Mask.Space().FullMask()
		for _, t := range r.Mask.Space().CellTypes() {
			for _, c := range full.Candidates(t) {
				score := *r.Scores.Of(c)
				if math.IsNaN(score) { // not ranked in this round
					continue
				}
				certainty, at := "", slices.Index(r.Removed, c)
				if at >= 0 && !math.IsNaN(r.Certainty[at]) {
					certainty = terminal.Number(r.Certainty[at])
				}
				rows = append(rows, []string{strconv.Itoa(i + 1), terminal.Number(r.Norm), t.String(),
					strconv.Itoa(c.Edge), c.Op.String(), terminal.Number(score), strconv.FormatBool(at >= 0), certainty})
			}
		}
	}
	return terminal.CSV(rows)
}
