package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/plan"
)

// Names of the sides: ours, and the peer's modes.
const (
	ours             = "zos-ort"
	eagerMode        = "eager"
	channelsLastMode = "channels_last"
	compiledMode     = "compiled"
)

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

	// Peak and Reserved are bytes of a GPU: the most that was in use during the steps, state included,
	// and the most that was taken from the device for it.
	Peak     int64 `json:"peak_bytes,omitempty"`
	Reserved int64 `json:"reserved_bytes,omitempty"`

	Error string `json:"error,omitempty"` // what ended the series
}

// fail records why a side stops.
func (s *series) fail(err error) {
	s.Error = err.Error()
	if errors.Is(err, errMemory) {
		s.Error = errMemory.Error()
	}
}

// benchResult are the times of one program of a case.
type benchResult struct {
	Method  string   `json:"method"`
	Batch   int      `json:"batch"`
	Threads int      `json:"threads,omitempty"` // on the CPU
	Program string   `json:"program"`
	Sides   []series `json:"sides"` // ours first

	c Case
}

// results has the rows of a case before anything is timed.
func (c Case) results() (list []benchResult) {
	for _, p := range timed {
		r := benchResult{Method: c.Method, Batch: c.batch(), Program: p.name, c: c}
		if !c.Device.GPU {
			r.Threads = c.Device.Threads
		}
		list = append(list, r)
	}
	return list
}

func (r *benchResult) side(name string) *series {
	i := slices.IndexFunc(r.Sides, func(s series) bool { return s.Side == name })
	if i < 0 {
		i = len(r.Sides)
		r.Sides = append(r.Sides, series{Side: name})
	}
	return &r.Sides[i]
}

// bencher times cases: on the CPU alternating between both sides, so that whatever else the machine does hits
// both, on a GPU one after the other.
type bencher struct {
	device  *device.Device
	peer    *peer               // nil: ours alone
	all     []string            // modes of the peer
	modes   map[string][]string // those that are worth timing on the CPU, by method
	console *terminal.Console
	skipped []string // cases for which no time was left
}

// run times the cases one after the other, and gives each an equal part of the time that is left. With
// an error come the results before it.
func (b *bencher) run(ctx context.Context, cases []Case, limit time.Duration) ([]benchResult,
	error) {
	end := time.Now().Add(limit)
	var all []benchResult
	b.modes = map[string][]string{}
	one := b.byTurns
	if b.device.CUDA != nil {
		one = b.alone
	}
	for i, c := range cases {
		left := time.Until(end)
		if left < 0 {
			b.skipped = append(b.skipped, c.String())
			continue
		}
		b.console.Say("%s", c)
		results, err := one(ctx, c, left/time.Duration(len(cases)-i))
		if err != nil {
			return all, err
		}
		all = append(all, results...)
	}
	return all, nil
}

// byTurns times a case on the CPU for about the given time.
func (b *bencher) byTurns(ctx context.Context, c Case, share time.Duration) ([]benchResult, error) {
	start := time.Now()
	net, err := c.open(b.device.Options(c.Experiment))
	if err != nil {
		return nil, err
	}
	defer net.Close()
	results := c.results()
	modes := b.prepare(c, results, net.Weights)
	for round := range maxRounds + 1 {
		if round > minRounds && time.Since(start) > share {
			break
		}
		if err := b.turn(ctx, net, results, modes, round > 0); err != nil {
			return nil, err
		}
		if round == 1 && len(modes) > 1 {
			modes = fastModes(results, modes)
			b.modes[c.Method] = modes
		}
	}
	return results, nil
}

// prepare builds the peer's networks. Without a peer, or without the memory for it, there are no
// modes.
func (b *bencher) prepare(c Case, results []benchResult, weights int) (modes []string) {
	if b.peer == nil || len(b.all) == 0 {
		return nil
	}
	if need, free := c.peerMemory(); need > free {
		b.console.Say("%s: PyTorch needs about %.1f GB, %.1f GB are free: left out", c, need/1e9, free/1e9)
		return nil
	}
	_ = b.peer.do("drop") // if it cannot, the first build says so
	worth := b.modes[c.Method]
	if worth == nil {
		worth = b.all
	}
	for _, mode := range worth {
		if !slices.Contains(b.all, mode) {
			continue
		}
		if err := b.peer.build(c, mode, weights); err != nil {
			b.lose(results, mode, err)
			continue
		}
		modes = append(modes, mode)
	}
	return modes
}

// lose records that the peer failed in a mode. Another program or case may need less memory; any other
// error would come again, so the mode is left out of all that follows, and with its process the peer.
func (b *bencher) lose(results []benchResult, mode string, err error) {
	what := results[0].c.String()
	if len(results) == 1 {
		what += ", " + results[0].Program
	}
	for i := range results {
		results[i].side(mode).fail(err)
	}
	switch {
	case b.peer.ended != nil:
		b.all = nil
	case !errors.Is(err, errMemory):
		b.all = slices.DeleteFunc(slices.Clone(b.all), func(m string) bool { return m == mode })
	}
	b.console.Say("%s, %s: %v", what, mode, err)
}

// peerMemory is what a step of the peer takes, and what is free. A network without our rewrites
// keeps 106 MB per image of DARTS by plan; PyTorch, by count, 104.
func (c Case) peerMemory() (need, free float64) {
	available, ok := host.FreeMemory()
	c.Execution.Passes = settings.PassesNone
	programs, err := c.steps()
	if !ok || err != nil {
		return 0, 1
	}
	return 1.2 * float64(plan.Of(programs[0].Graph).Peak), float64(available)
}

// turn makes one step of every program on every side. The first one touches all memory for the first
// time and does not count.
func (b *bencher) turn(ctx context.Context, net network, results []benchResult, modes []string,
	counts bool) error {
	for i := range results {
		r := &results[i]
		for _, side := range append([]string{ours}, modes...) {
			if side != ours && (!slices.Contains(b.all, side) || r.side(side).Error != "") {
				continue
			}
			seconds, err := b.step(net, side, r.Program)
			switch s := r.side(side); {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil && side == ours:
				return fmt.Errorf("%s, %s: %w", r.c, r.Program, err)
			case err != nil:
				b.lose(results[i:i+1], side, err)
			case counts:
				s.Seconds = append(s.Seconds, seconds)
			}
		}
	}
	return nil
}

// step makes one step on a side, in seconds.
func (b *bencher) step(net network, side, program string) (float64, error) {
	if side == ours {
		t, err := net.step(program)
		return t.Seconds(), err
	}
	r, err := b.peer.step(side, program)
	return r.Seconds, err
}

// fastModes are the modes that are not much slower than the best, over all programs. One that failed
// in a program is infinitely slow.
func fastModes(results []benchResult, modes []string) []string {
	total := map[string]float64{}
	best := 0.0
	for _, m := range modes {
		for i := range results {
			total[m] += shortest(results[i].side(m).Seconds)
		}
		if best == 0 || total[m] < best {
			best = total[m]
		}
	}
	return slices.DeleteFunc(slices.Clone(modes), func(m string) bool {
		return total[m] > slowMode*best
	})
}

func shortest(seconds []float64) float64 {
	if len(seconds) == 0 {
		return math.Inf(1)
	}
	return slices.Min(seconds)
}

// peerModes are what PyTorch can do; compiling takes minutes.
func peerModes(compile bool) []string {
	modes := []string{eagerMode, channelsLastMode}
	if compile {
		modes = append(modes, compiledMode)
	}
	return modes
}
