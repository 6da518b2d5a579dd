package settings

import (
	"strings"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/terminal"
)

// mostThreads is what --threads may ask for: more than the largest machines have.
const mostThreads = 1024

// most are the largest values of numeric flags. They keep products of settings within the numbers that count bytes,
// and a slip of the finger from hours of planning; memory decides below them.
var most = map[string]int{
	"threads": mostThreads, "jobs": mostThreads,
	"cells": 256, "rank-cells": 256, "network-cells": 256,
	"channels": 1 << 12, "rank-channels": 1 << 12, "network-channels": 1 << 12,
	"image-size": 1 << 12, "pad": 1 << 12, "cutout": 1 << 12,
	"batch": 1 << 15, "prune-batch": 1 << 15, "batches": 1 << 12, "prune-batches": 1 << 12,
	"repeats": 1 << 16, "rank-outputs": 1 << 16, "masks": 1 << 20, "seeds": 1 << 10,
	"train-images": 1e8, "valid-images": 1e8, "test-images": 1e8, "samples": 1e7,
}

// mostOthers bounds the flags that most does not name: epochs and other counts.
const mostOthers = 1 << 20

// mostOf is the largest value of a flag, whose name may have a prefix.
func mostOf(flag string) int {
	if n, ok := most[flag]; ok {
		return n
	}
	if _, name, ok := strings.Cut(flag, "retrain-"); ok {
		return mostOf(name)
	}
	return mostOthers
}

func checkMost(flag string, value int) error {
	if n := mostOf(flag); value > n {
		return terminal.Usagef("--%s must be at most %d, got %d", flag, n, value)
	}
	return nil
}

// CheckNumbers refuses numbers on the command line that no run could mean, whatever the command, before anything is
// planned with them.
func CheckNumbers(c *cli.Context) error {
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		var given []int
		switch f.(type) {
		case *cli.IntFlag:
			given = []int{c.Int(name)}
		case *cli.IntSliceFlag:
			given = c.IntSlice(name)
		}
		for _, n := range given {
			if err := checkMost(name, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// numbers calls f for every setting that is a whole number, until one fails.
func (e Experiment) numbers(f func(flag string, value int) error) error {
	list := SearchCommand
	if e.Method == "" {
		list = RetrainCommand
	}
	for _, o := range list {
		if p, ok := o.at(&e).(*int); ok {
			if err := f(o.name, *p); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkNumbers does the same for settings that a file gives.
func (e Experiment) checkNumbers() error { return e.numbers(checkMost) }

// checkSigns refuses negative numbers, where nothing else has found fault with them.
func (e Experiment) checkSigns() error {
	return e.numbers(func(flag string, value int) error {
		if value < 0 {
			return terminal.Usagef("--%s must not be negative, got %d", flag, value)
		}
		return nil
	})
}

// Threads is what --threads says, or as many as there are processors. It refuses more than the system allows.
func Threads(c *cli.Context, p *terminal.Console) (int, error) {
	n := c.Int("threads")
	if n < 0 {
		return 0, terminal.Usagef("--threads must be at least 0, got %d", n)
	}
	if n == 0 {
		n = host.Processors()
	}
	WarnThreads(n, p)
	return n, host.CheckLimits(n, 0)
}

// WarnThreads tells that threads will wait for each other.
func WarnThreads(n int, p *terminal.Console) {
	if have := host.Processors(); n > have {
		p.Warn("%d threads share %s: steps take longer than with --threads %d", n, terminal.Count(have, "processor"), have)
	}
}
