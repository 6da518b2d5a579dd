package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/sweep"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/plan"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/search/data"
)

// cellResolver resolves the settings of the cells of one data set, one after the other.
type cellResolver struct {
	c       *cli.Context // of the sweep
	console *terminal.Console
	folder  string
	threads int
	budget  int64 // bytes for all processes together

	cfg     config           // of the search of the present cell
	args    []string         // that make it
	net     *retrainSettings // of its retraining; nil without one
	netArgs []string
	needs   map[string]searchNeed // by method
	netNeed int64

	images, testImages imageCache // of searches and retrainings
}

// searchNeed is the predicted memory of a search in bytes.
type searchNeed struct {
	peak    int64 // of the method's programs, as zos-ort memory has it
	ranking int64 // of all sessions of pruning together
}

// search resolves the settings of a search.
func (r *cellResolver) search(m method.Method, seed uint64) error {
	cmd := searchCommand()
	r.args = append([]string{"--json", "--method=" + m.Name, "--data=" + r.folder,
		"--seed=" + strconv.FormatUint(seed, 10)}, passedArgs(r.c, cmd, "")...)
	c, err := parseArgs(cmd, r.args)
	if err != nil {
		return err
	}
	if r.cfg, _, err = resolveConfig(c); err != nil {
		return err
	}
	err = r.images.fill(&r.cfg.dataSettings, seed, func() error {
		_, err := r.cfg.loadData(r.c.Context, r.console)
		return err
	})
	if err != nil {
		return err
	}
	return errors.Join(r.cfg.checkInput(m), r.cfg.checkHalves(m))
}

// training resolves the settings of a retraining, which do not depend on the method. DARTS_V2 stands
// for what will be found.
func (r *cellResolver) training(seed uint64) error {
	cmd := retrainCommand()
	r.netArgs = append([]string{"--json", "--data=" + r.folder,
		"--seed=" + strconv.FormatUint(seed, 10)}, passedArgs(r.c, cmd, retrainPrefix)...)
	c, err := parseArgs(cmd, append(r.netArgs, "--genotype=DARTS_V2"))
	if err != nil {
		return err
	}
	s, err := resolveRetrain(c)
	if err != nil {
		return fmt.Errorf("retrain: %w", err)
	}
	err = r.testImages.fill(&s.dataSettings, seed, func() error {
		_, _, err := s.load(r.c.Context, s.Seed, retrainTest, r.console)
		return err
	})
	if err != nil {
		return fmt.Errorf("retrain: %w", err)
	}
	r.net = &s
	return s.check()
}

// imageCache remembers what images are, so that a sweep reads a folder once and not for every cell.
type imageCache map[uint64]dataSettings

// fill completes settings by loading, or with what is known: generated images depend on the seed,
// those of a folder do not.
func (known imageCache) fill(s *dataSettings, seed uint64, load func() error) error {
	if s.Data != "" {
		seed = 0
	}
	if images, ok := known[seed]; ok {
		*s = images
		return nil
	}
	if err := load(); err != nil {
		return err
	}
	known[seed] = *s
	return nil
}

// cell puts what was resolved into a cell.
func (r *cellResolver) cell(m method.Method) (p plannedCell, err error) {
	settings, err := object(r.cfg)
	if err != nil {
		return p, err
	}
	p.Method, p.Seed = m.Name, r.cfg.Seed
	p.Phases = []sweep.Phase{{Name: "search", Args: append([]string{"search"}, r.args...),
		Settings: settings, State: sweep.Waiting}}
	need, err := r.predict(m)
	if err != nil {
		return p, err
	}
	p.Predicted, p.need = need.peak, max(need.peak, need.ranking)
	if r.net != nil {
		if settings, err = object(r.net, "genotype"); err != nil {
			return p, err
		}
		args := append([]string{"retrain", "--genotype={cell}/search/genotype.json"}, r.netArgs...)
		p.Phases = append(p.Phases, sweep.Phase{Name: "retrain", Args: args, Settings: settings,
			State: sweep.Waiting})
		net, err := r.predictNet()
		if err != nil {
			return p, err
		}
		p.need = max(p.need, net)
	}
	p.need = heap(p.need) + r.fixed()
	p.refused, err = r.refusal(m, p.need, r.budget)
	return p, err
}

// What a process needs beside what the planner predicts: the program with ONNX Runtime and the file
// that images come from; the graphs and sessions of a cell; and how far the C library's one heap exceeds
// the live bytes, because it keeps pieces of many sizes. Searches of DARTS with 8 cells, predicted to need
// 65 and 597 MB, had 345 and 911 MB resident at most, one of PC-DARTS with 503 MB had 807: 276 MB and
// 1.06 times the prediction.
const (
	processBytes = 160e6
	perCellBytes = 20e6
	heapFactor   = 1.1
)

// fixed is what a run needs apart from tensors: process, graphs and images.
func (r *cellResolver) fixed() int64 {
	return processBytes + perCellBytes*int64(r.cfg.Cells) +
		int64(r.cfg.TrainImages)*data.Channels*int64(r.cfg.ImageSize*r.cfg.ImageSize)
}

// heap is what live bytes make of the heap.
func heap(live int64) int64 { return int64(heapFactor * float64(live)) }

func (r *cellResolver) planner() memoryConfig {
	return memoryConfig{Batch: r.cfg.Batch, Channels: r.cfg.Channels, Cells: r.cfg.Cells,
		Image: r.cfg.ImageSize, Passes: passesAll, Xi: r.cfg.Xi, Masks: 1, Seed: r.cfg.Seed}
}

// predict plans the programs of a search. Pruning runs one session of the whole space per thread.
func (r *cellResolver) predict(m method.Method) (n searchNeed, err error) {
	if n, ok := r.needs[m.Name]; ok {
		return n, nil
	}
	if m.Searches() {
		row, err := r.planner().predict(m)
		if err != nil {
			return n, err
		}
		n.peak = int64(row.Peak)
	}
	if m.Ranks() && r.cfg.MaskFile == "" {
		ranking := r.planner()
		ranking.Batch = r.cfg.PruneBatch
		row, err := ranking.predict(method.Method{Name: m.Name, Mask: method.ToOne, Source: method.ByScores, Partial: m.Partial})
		if err != nil {
			return n, err
		}
		n.ranking = int64(r.threads * row.Peak)
		if !m.Searches() {
			n.peak = int64(row.Peak)
		}
	}
	r.needs[m.Name] = n
	return n, nil
}

// predictNet plans the weight step of a retraining; DARTS_V2 stands for what will be found.
func (r *cellResolver) predictNet() (int64, error) {
	if r.netNeed > 0 {
		return r.netNeed, nil
	}
	cfg := r.net.config()
	var err error
	if cfg.Net.Genotype, err = space.Named("DARTS_V2"); err != nil {
		return 0, err
	}
	p, err := cfg.Spec(r.net.ImageSize).WeightStep()
	if err != nil {
		return 0, fmt.Errorf("retrain: %w", err)
	}
	v := plan.Of(p.Graph)
	r.netNeed = int64(v.Total())
	return r.netNeed, nil
}

// refusal explains why a cell cannot run within a budget in bytes, or says nothing.
func (r *cellResolver) refusal(m method.Method, need, budget int64) (string, error) {
	if need <= budget {
		return "", nil
	}
	text := fmt.Sprintf("needs %s MB of memory, %s MB are given", terminal.MB(int(need)),
		terminal.MB(int(budget)))
	left := int64(float64(budget-r.fixed()) / heapFactor)
	switch n := r.needs[m.Name]; {
	case left <= 0:
		return text + ": give more with --memory", nil
	case n.ranking > left:
		return text + ": lower --prune-batch or --threads", nil
	case r.netNeed > left:
		return text + ": lower --retrain-batch", nil
	}
	batch, err := r.planner().largestBatch(m, int(left))
	return fmt.Sprintf("%s: a search with --batch %d fits", text, batch), err
}
