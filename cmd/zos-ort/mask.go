package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/prune"
	"zos-ort/search/checkpoint"
	"zos-ort/search/data"
)

// Streams of random numbers of pruning; see search for those of the search.
const (
	streamRank  = 1000
	streamBatch = 2000
	streamMask  = 3000
	streamDraw  = 5000 // of a whole architecture
)

// maskResult is a mask and the pruning rounds that led to it, if any.
type maskResult struct {
	mask    space.Mask
	rounds  []prune.Round
	seconds float64
}

// makeMask obtains the mask that the method wants and saves it with the scores.
func makeMask(ctx context.Context, cfg *config, m method.Method, train *data.Set, dir rundir.Dir,
	p *terminal.Console) (maskResult, error) {
	res := maskResult{mask: space.FullMask()}
	var err error
	switch {
	case cfg.MaskFile != "" && rundir.Exists(dir.Path("mask.json")): // resumed; the file may have changed
		res.mask, err = space.ReadMask(dir.Path("mask.json"))
	case cfg.MaskFile != "":
		res.mask, err = space.ReadMask(cfg.MaskFile)
	case m.Mask == method.RandomMask:
		var repairs []space.Repair
		res.mask, repairs = space.RandomMask(rand.New(rand.NewPCG(cfg.Seed, streamMask)), cfg.Xi)
		for _, r := range repairs {
			p.Say("random mask: %v", r)
		}
	case m.Ranks():
		res, err = runPruning(ctx, cfg, m, train, dir, p)
	}
	if err != nil {
		return res, err
	}
	p.Say("mask: %d of %d operations left (%.3f of the operations, %.3g of the architectures)",
		res.mask.Count(), space.FullMask().Count(), res.mask.RemainingOperations(space.FullMask()),
		res.mask.RemainingArchitectures(space.FullMask()))
	if err := dir.WriteJSON("mask.json", res.mask); err != nil {
		return res, err
	}
	return res, dir.Write("scores.csv", scoresCSV(res.rounds))
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

// runPruning is Algorithm 1 with a progress bar, from the last checkpoint on if there is one.
func runPruning(ctx context.Context, cfg *config, m method.Method, train *data.Set, dir rundir.Dir,
	p *terminal.Console) (maskResult, error) {
	var from pruneCheckpoint
	store := dir.Checkpoints("prune")
	if _, ok, err := store.Load(&from, damaged(p)); err != nil {
		return maskResult{}, err
	} else if ok {
		p.Say("going on with pruning round %d", len(from.Rounds))
	}
	start := time.Now()
	seconds := func() float64 { return from.Seconds + time.Since(start).Seconds() }
	var label string
	observer := prune.Observer{
		Start: func(round, networks int, mask space.Mask) {
			label = fmt.Sprintf("pruning round %d, %d operations", round, mask.Count())
			p.Start(networks, label)
		},
		Step: func() { p.Step(label + cfg.gpu.Now()) },
		Done: func(round int, r prune.Round) {
			p.Stop()
			p.Say("pruning round %d: kernel norm %.4f, %d operations removed, %d left%s", round, r.Norm,
				len(r.Removed), r.Mask.Count(), cfg.gpu.Take().After("; "))
		},
		Save: func(at prune.Progress) error {
			c := pruneCheckpoint{at, seconds()}
			return store.Save(c.position(), c, nil)
		},
	}
	defer p.Stop()
	res, err := prune.Run(ctx, cfg.pruning(m), space.FullMask(), cfg.ranker(ctx, train), from.Progress,
		observer)
	if err != nil {
		return maskResult{}, err
	}
	return maskResult{res.Mask, res.Rounds, seconds()}, store.Finish()
}

// rankers is how many sessions rank side by side. One single-threaded session per core uses the cores
// better than one session with threads, because the operations are small; on a GPU sessions would only
// wait for each other.
func (cfg *config) rankers() int {
	if cfg.cuda != nil {
		return 1
	}
	return cfg.Thread
}

// ranker ranks with rankNet.
func (cfg *config) ranker(ctx context.Context, train *data.Set) *prune.Supernet {
	return &prune.Supernet{Net: cfg.rankNet(), Batch: cfg.PruneBatch, Image: cfg.ImageSize,
		Kernel: prune.Kernel(cfg.Kernel), Workers: cfg.rankers(),
		Options: ort.Options{Threads: 1, Dump: cfg.dump, CUDA: cfg.cuda},
		Weights: func(repeat int, l graphgen.Layout) []float32 {
			return l.Initialize(rand.New(rand.NewPCG(cfg.Seed, streamRank+uint64(repeat))))
		},
		Images: func(repeat int) ([][]float32, error) { return cfg.rankingImages(ctx, train, repeat) },
	}
}

// rankingImages are the batches of a repeat, without augmentation.
func (cfg *config) rankingImages(ctx context.Context, train *data.Set, repeat int) ([][]float32, error) {
	l, err := data.NewLoader(ctx, data.LoaderConfig{Set: train, Batch: cfg.PruneBatch, Shuffle: true,
		Seed: cfg.Seed + streamBatch + uint64(repeat), Tail: data.TailDrop})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	var batches [][]float32
	pass := l.Endless(0)
	for range cfg.PruneBatches {
		b, ok := pass.Next()
		if !ok {
			return nil, pass.Err()
		}
		batches = append(batches, append([]float32(nil), b.Images...))
	}
	return batches, nil
}

// scoresCSV lists the score of every operation in every round.
func scoresCSV(rounds []prune.Round) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"round", "kernel_norm", "cell", "edge", "operation", "score", "removed"})
	for i, r := range rounds {
		removed := map[space.Candidate]bool{}
		for _, c := range r.Removed {
			removed[c] = true
		}
		for _, t := range space.CellTypes {
			for _, c := range space.FullMask().Candidates(t) {
				score := *r.Scores.Of(c)
				if score != score {
					continue
				}
				_ = w.Write([]string{strconv.Itoa(i + 1), terminal.Number(r.Norm), t.String(), strconv.Itoa(c.Edge),
					c.Op.String(), terminal.Number(score), strconv.FormatBool(removed[c])})
			}
		}
	}
	w.Flush()
	return b.Bytes()
}
