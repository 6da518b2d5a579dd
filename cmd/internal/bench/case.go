// Package bench times the programs of a search on this machine, and in PyTorch if it is installed, and
// measures what passes and sizes do to time and memory.
package bench

import (
	"context"
	"fmt"
	"time"

	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// timed lists the programs that are timed: their names in tables and for the peer, and those of the graphs.
var timed = []struct{ name, program string }{{"weight", "weight_step"}, {"alpha", "alpha_step"},
	{"rank", "rank"}}

// Case is a network at a batch size on a number of threads.
type Case struct {
	settings.Experiment
	Mask space.Mask
}

// batch is the number of images of a step.
func (c Case) batch() int { return c.Search.Batch }

func (c Case) String() string {
	if c.Device.GPU {
		return fmt.Sprintf("%s, batch %d", c.Method, c.batch())
	}
	return fmt.Sprintf("%s, batch %d, %s", c.Method, c.batch(), terminal.Count(c.Device.Threads, "thread"))
}

// emit builds the steps of the search under the mask, and the ranking pass of the same network and batch.
func (c Case) emit() (list []*graphgen.Program, err error) {
	steps, err := c.steps()
	if err != nil {
		return nil, err
	}
	rank, err := c.WithBatch(settings.StagePruning, c.batch()).Programs(settings.StagePruning, c.Mask)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	return append(steps, rank...), nil
}

// steps are the weight step and the alpha step.
func (c Case) steps() ([]*graphgen.Program, error) {
	list, err := c.Programs(settings.StageSearch, c.Mask)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	return list[:2], nil
}

// network is a network on noise whose programs go by their names in tables.
type network struct{ *meter.Net }

// open makes the sessions of a case.
func (c Case) open(o ort.Options) (network, error) {
	list, err := c.emit()
	if err != nil {
		return network{}, err
	}
	n, err := meter.OpenNet(list, o)
	if err != nil {
		return network{}, fmt.Errorf("%s: %w", c, err)
	}
	return network{n}, nil
}

func programOf(name string) string {
	for _, p := range timed {
		if p.name == name {
			return p.program
		}
	}
	return name
}

// step times one run of a program.
func (n network) step(name string) (time.Duration, error) { return n.Step(programOf(name)) }

// fastest is the shortest run of a program in seconds; see meter.Net.
func (n network) fastest(ctx context.Context, name string, least, most int, end time.Time) (float64,
	error) {
	return n.Fastest(ctx, programOf(name), least, most, end)
}
