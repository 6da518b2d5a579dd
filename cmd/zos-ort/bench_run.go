package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"zos-ort/graphgen/plan"
	"zos-ort/ort"
)

// ours is the name of our side; the peer's sides are its modes.
const ours = "zos-ort"

// Rounds of a case: at least two, so that there is a spread, and no more than tell anything.
const (
	minRounds = 2
	maxRounds = 15
)

// slowMode is how many times longer than the best mode of the peer another one may take before it
// is left out, to have more rounds of those that matter.
const slowMode = 1.3

// series are the times of one program on one side.
type series struct {
	Side    string    `json:"side"`
	Seconds []float64 `json:"seconds"`
}

// benchResult are the times of one program of a case.
type benchResult struct {
	Method  string   `json:"method"`
	Batch   int      `json:"batch"`
	Threads int      `json:"threads"`
	Program string   `json:"program"`
	Sides   []series `json:"sides"` // ours first

	c benchCase
}

func (r *benchResult) side(name string) *series {
	i := slices.IndexFunc(r.Sides, func(s series) bool { return s.Side == name })
	if i < 0 {
		i = len(r.Sides)
		r.Sides = append(r.Sides, series{Side: name})
	}
	return &r.Sides[i]
}

// bencher times cases, both sides by turns, so that whatever else the machine does hits both.
type bencher struct {
	peer    *peer               // nil: ours alone
	modes   map[string][]string // of the peer that are worth timing, by method
	all     []string            // all modes
	console *console
	skipped []string // cases for which no time was left
}

// run times the cases one after the other, and gives each an equal part of the time that is left.
func (b *bencher) run(ctx context.Context, cases []benchCase, limit time.Duration) ([]benchResult,
	error) {
	end := time.Now().Add(limit)
	var all []benchResult
	b.modes = map[string][]string{}
	for i, c := range cases {
		left := time.Until(end)
		if left < 0 {
			b.skipped = append(b.skipped, c.String())
			continue
		}
		b.console.say("%s", c)
		results, err := b.one(ctx, c, left/time.Duration(len(cases)-i))
		if err != nil {
			return nil, err
		}
		all = append(all, results...)
	}
	return all, nil
}

// one times a case for about the given time.
func (b *bencher) one(ctx context.Context, c benchCase, share time.Duration) ([]benchResult, error) {
	start := time.Now()
	net, err := c.open(ort.Options{Threads: c.threads})
	if err != nil {
		return nil, err
	}
	defer net.close()
	modes := b.modes[c.method.name]
	if modes == nil {
		modes = b.all
	}
	if modes, err = b.prepare(c, modes, net.weights); err != nil {
		return nil, err
	}
	results := make([]benchResult, len(benchPrograms))
	for i, p := range benchPrograms {
		results[i] = benchResult{Method: c.method.name, Batch: c.cfg.Batch, Threads: c.threads,
			Program: p.name, c: c}
	}
	for round := range maxRounds + 1 {
		if round > minRounds && time.Since(start) > share {
			break
		}
		for i := range results {
			if err := b.turn(ctx, net, &results[i], modes, round > 0); err != nil {
				return nil, err
			}
		}
		if round == 1 && len(modes) > 1 {
			modes = fastModes(results, modes)
			b.modes[c.method.name] = modes
		}
	}
	return results, nil
}

// prepare builds the peer's networks. Without a peer, or without the memory for it, there are no
// modes.
func (b *bencher) prepare(c benchCase, modes []string, weights int) ([]string, error) {
	if b.peer == nil {
		return nil, nil
	}
	if need, free := c.peerMemory(); need > free {
		b.console.say("%s: PyTorch needs about %.1f GB, %.1f GB are free: left out", c, need/1e9, free/1e9)
		return nil, nil
	}
	return modes, b.peer.build(c, modes, weights)
}

// peerMemory is what a step of the peer takes, and what is free. A network without our rewrites
// keeps 106 MB per image of DARTS by plan; PyTorch, by count, 127.
func (c benchCase) peerMemory() (need, free float64) {
	available, ok := freeMemory()
	plain := c.cfg
	plain.Passes = passesNone
	p, err := plain.spec(c.method, c.mask).WeightStep()
	if !ok || err != nil {
		return 0, 1
	}
	return 1.2 * float64(plan.Of(p.Graph).Peak), float64(available)
}

// turn makes one step on every side. The first one touches all memory for the first time and does
// not count.
func (b *bencher) turn(ctx context.Context, net *benchNet, r *benchResult, modes []string,
	counts bool) error {
	for _, side := range append([]string{ours}, modes...) {
		if err := ctx.Err(); err != nil {
			return err
		}
		var t time.Duration
		var err error
		if side == ours {
			t, err = net.step(r.Program)
		} else {
			t, err = b.peer.step(side, r.Program)
		}
		if err != nil {
			return fmt.Errorf("%s, %s, %s: %w", r.c, r.Program, side, err)
		}
		if s := r.side(side); counts {
			s.Seconds = append(s.Seconds, t.Seconds())
		}
	}
	return nil
}

// fastModes are the modes that are not much slower than the best, over all programs.
func fastModes(results []benchResult, modes []string) []string {
	total := map[string]float64{}
	best := 0.0
	for _, m := range modes {
		for i := range results {
			total[m] += slices.Min(results[i].side(m).Seconds)
		}
		if best == 0 || total[m] < best {
			best = total[m]
		}
	}
	return slices.DeleteFunc(slices.Clone(modes), func(m string) bool {
		return total[m] > slowMode*best
	})
}

// peerModes are what PyTorch can do; compiling takes minutes.
func peerModes(compile bool) []string {
	modes := []string{"eager", "channels_last"}
	if compile {
		modes = append(modes, "compiled")
	}
	return modes
}
