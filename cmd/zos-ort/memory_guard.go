package main

import (
	"fmt"
	"math/rand/v2"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/graphgen/plan"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/ort/program"
)

// demand is a part of a run, and its peak by the number of images at a time.
type demand struct {
	what  string // "the search"
	flag  string // that says how many images
	batch int
	peak  func(batch int) (int, error)
}

// memoryNeed is what a run is predicted to need, and what it finds. The images are in memory already
// when it is made.
type memoryNeed struct {
	Peak int // of the hungriest part; 0 if nothing runs
	room

	part demand // the hungriest
}

// memoryWarning is the share of the free memory from which on the user hears of it.
const memoryWarning = .8

func ignoreMemoryFlag() cli.Flag {
	return &cli.BoolFlag{Name: "ignore-memory", Usage: "start even if the predicted peak exceeds the free " +
		"memory"}
}

// needOf predicts the peak of a run whose parts follow one another.
func needOf(parts []demand, r room) (n memoryNeed, err error) {
	n.room = r
	for _, d := range parts {
		peak, err := d.peak(d.batch)
		if err != nil {
			return n, fmt.Errorf("memory of %s: %w", d.what, err)
		}
		if peak > n.Peak {
			n.Peak, n.part = peak, d
		}
	}
	return n, nil
}

// guard refuses a run that does not fit, or only warns if the user insists, and warns of one that
// may not.
func (n memoryNeed) guard(p *terminal.Console, insists bool) error {
	if n.Bytes == 0 || float64(n.Peak) <= memoryWarning*float64(n.Bytes) {
		return nil
	}
	text := fmt.Sprintf("%s with %s %d needs %s MB of %s, as predicted, and %s MB %s", n.part.what,
		n.part.flag, n.part.batch, terminal.MB(n.Peak), n.kind, terminal.MB(n.Bytes), n.are)
	if n.Peak <= n.Bytes {
		p.Warn("%s", text)
		return nil
	}
	fits, err := largestBatch(n.part.peak, n.Bytes)
	if err != nil {
		return err
	}
	if fits < 2 { // a batch norm needs two
		text += "; no batch fits"
	} else {
		text += fmt.Sprintf("; the largest batch that fits is %d", fits)
	}
	if insists {
		p.Warn("%s", text)
		return nil
	}
	return fmt.Errorf("%s (--ignore-memory starts all the same)", text)
}

// String is for the table of settings.
func (n memoryNeed) String() string {
	if n.Bytes == 0 {
		return fmt.Sprintf("peak %s MB, predicted", terminal.MB(n.Peak))
	}
	return fmt.Sprintf("peak %s MB, predicted; %s MB %s", terminal.MB(n.Peak), terminal.MB(n.Bytes), n.are)
}

// bytesOf is the peak of a program with its state, inputs and constants.
func bytesOf(p *graphgen.Program) int {
	return plan.Of(p.Graph).Total()
}

// worstOf is the highest peak of programs that run one after the other.
func worstOf(spec graphgen.Spec, list ...emitter) (peak int, err error) {
	if spec, err = spec.Learn(); err != nil {
		return 0, fmt.Errorf("network: %w", err)
	}
	for _, emit := range list {
		p, err := emit(spec)
		if err != nil {
			return 0, err
		}
		peak = max(peak, bytesOf(p))
	}
	return peak, nil
}

// memoryOfSteps predicts the peak of searching what a mask of the method leaves.
func (cfg *config) memoryOfSteps(m method.Method) (demand, error) {
	mask, err := cfg.likelyMask(m)
	return cfg.memoryOn(mask), err
}

// memoryOn predicts the peak of searching what a mask leaves.
func (cfg *config) memoryOn(mask space.Mask) demand {
	return demand{"the search", "--batch", cfg.Batch, func(batch int) (int, error) {
		s := cfg.search(mask)
		s.Batch = batch
		spec := program.Lower(s.Spec(cfg.ImageSize), s.Options)
		return worstOf(spec, graphgen.Spec.WeightStep, graphgen.Spec.AlphaStep)
	}}
}

// likelyMask is the mask of the run where it is known before, and else one of its size.
func (cfg *config) likelyMask(m method.Method) (space.Mask, error) {
	switch {
	case cfg.MaskFile != "":
		return space.ReadMask(cfg.MaskFile)
	case m.Mask == method.RandomMask:
		mask, _ := space.RandomMask(rand.New(rand.NewPCG(cfg.Seed, streamMask)), cfg.Xi)
		return mask, nil
	}
	return memoryConfig{Xi: cfg.Xi, Masks: 1, Seed: cfg.Seed}.masksOf(m)[0], nil
}

// memoryOfRanking predicts the peak of the first round of pruning: the sessions, each with tensors of its
// own, on one state.
func (cfg *config) memoryOfRanking() demand {
	return demand{"pruning", "--prune-batch", cfg.PruneBatch, func(batch int) (int, error) {
		s := cfg.search(space.FullMask())
		s.Batch = batch
		spec := program.Lower(s.Spec(cfg.ImageSize), s.Options)
		spec.Forward = cfg.rankNet().Forward()
		p, err := spec.Rank()
		if err != nil {
			return 0, err
		}
		r := plan.Of(p.Graph)
		return r.State + cfg.rankers()*(r.Total()-r.State), nil
	}}
}

// predictMemory fills in what the run will need.
func (cfg *config) predictMemory(m method.Method) error {
	var parts []demand
	if m.Ranks() && cfg.MaskFile == "" {
		parts = append(parts, cfg.memoryOfRanking())
	}
	if m.Searches() && cfg.Command == "search" {
		d, err := cfg.memoryOfSteps(m)
		if err != nil {
			return err
		}
		parts = append(parts, d)
	}
	var err error
	cfg.memory, err = needOf(parts, cfg.room())
	return err
}

// guardMemory predicts what the run will need and refuses one that does not fit.
func (cfg *config) guardMemory(c *cli.Context, m method.Method, p *terminal.Console) error {
	if err := cfg.predictMemory(m); err != nil {
		return err
	}
	return cfg.memory.guard(p, c.Bool("ignore-memory") || c.Bool("dry-run"))
}

// memoryOfTraining predicts the peak of a retraining.
func (s retrainSettings) memoryOfTraining() demand {
	return demand{"the training", "--batch", s.Batch, func(batch int) (int, error) {
		cfg := s.config()
		cfg.Batch = batch
		spec := cfg.Spec(s.ImageSize)
		return worstOf(spec, graphgen.Spec.WeightStep, graphgen.Spec.Evaluate)
	}}
}

// guardMemory predicts what a retraining will need and refuses one that does not fit.
func (s retrainSettings) guardMemory(c *cli.Context, p *terminal.Console) error {
	need, err := needOf([]demand{s.memoryOfTraining()}, s.room())
	if err != nil {
		return err
	}
	if err := need.guard(p, c.Bool("ignore-memory")); err != nil {
		return err
	}
	p.Say("memory: %v", need)
	return nil
}
