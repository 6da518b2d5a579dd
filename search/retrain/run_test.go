package retrain

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"zos-ort/graphgen/pass"
	"zos-ort/models/network"
	"zos-ort/models/ranks"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/search/data"
	"zos-ort/search/train"
)

// memory records everything in memory.
type memory struct {
	epochs []Epoch
	steps  []train.Progress
	onStep func()
	fail   error
	saved  []byte // the last snapshot as JSON
	state  program.Vectors
}

func (m *memory) Step(p train.Progress) {
	m.steps = append(m.steps, p)
	if m.onStep != nil {
		m.onStep()
	}
}

func (m *memory) Epoch(e Epoch) error {
	e.Time = 0
	m.epochs = append(m.epochs, e)
	return m.fail
}

func (m *memory) Save(s Snapshot, n *program.Net) (err error) {
	if m.saved, err = json.Marshal(s); err == nil {
		m.state, err = n.Vectors()
	}
	return err
}

// snapshot is the last one that was saved.
func (m *memory) snapshot(t *testing.T) (s Snapshot) {
	t.Helper()
	if err := json.Unmarshal(m.saved, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func tiny(t *testing.T) (Config, *data.Set, *data.Set) {
	t.Helper()
	if err := ort.Open(""); errors.Is(err, ort.ErrNoRuntime) {
		t.Skipf("skipped: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	train, test, err := data.Synthetic(data.SyntheticConfig{Size: 8, Train: 40, Test: 20})
	if err != nil {
		t.Fatal(err)
	}
	genotype, err := space.Named("DARTS_V2")
	if err != nil {
		t.Fatal(err)
	}
	return Config{Net: network.Config{Genotype: genotype, Channels: 4, Cells: 3, Classes: 10}, Batch: 8,
		Epochs: 2, Rate: .025, DropPath: .3, Augment: data.Augment{Pad: 1, Flip: true, Cutout: 2}, Seed: 7,
		Options:  ort.Options{Threads: 2},
		Lowering: pass.Lowering{Target: pass.CPUKernels, Passes: pass.All}}, train, test
}

func TestRunIsDeterminedByTheSeed(t *testing.T) {
	c, train, test := tiny(t)
	run := func(c Config) *memory {
		m := new(memory)
		_, err := Run(context.Background(), c, train, test, nil, m)
		if err != nil {
			t.Fatal(err)
		}
		m.saved = nil // it has the time in it
		return m
	}
	ma, mb := run(c), run(c)
	if !reflect.DeepEqual(ma, mb) {
		t.Errorf("the same seed gave other numbers: %+v and %+v", ma.epochs, mb.epochs)
	}
	if len(ma.steps) != 10 || len(ma.epochs) != 2 {
		t.Errorf("got %d steps in %d epochs, want 10 in 2", len(ma.steps), len(ma.epochs))
	}
	if p := ma.epochs[1].DropPath; math.Abs(p-.15) > 1e-12 {
		t.Errorf("drop-path of epoch 1 of 2: got %v, want .3 * 1/2", p)
	}
	c.Seed++
	if other := run(c); reflect.DeepEqual(ma.state, other.state) {
		t.Error("another seed gave the same weights")
	}
}

// A training that is interrupted after every step, and each time goes on from what was saved, ends
// with the same bits as one that never stops.
func TestResumedTrainingIsTheSame(t *testing.T) {
	c, train, test := tiny(t)
	c.Epochs = 3
	whole := new(memory)
	if _, err := Run(context.Background(), c, train, test, nil, whole); err != nil {
		t.Fatal(err)
	}
	all := new(memory)
	var from *Start
	for piece := 0; ; piece++ {
		ctx, cancel := context.WithCancel(context.Background())
		all.onStep = cancel
		_, err := Run(ctx, c, train, test, from, all)
		cancel()
		if err == nil {
			if piece < 3*c.Epochs {
				t.Errorf("the training ended after %d interruptions", piece)
			}
			break
		}
		if !errors.Is(err, context.Canceled) || piece > 100 {
			t.Fatalf("piece %d: %v", piece, err)
		}
		from = &Start{Vectors: all.state}
		if err := json.Unmarshal(all.saved, &from.Snapshot); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(all.steps, whole.steps) || !reflect.DeepEqual(all.epochs, whole.epochs) {
		t.Errorf("epochs differ:\n%+v\n%+v", all.epochs, whole.epochs)
	}
	if !reflect.DeepEqual(all.state, whole.state) {
		t.Error("the states differ")
	}
}

func TestRunStops(t *testing.T) {
	c, train, test := tiny(t)
	full := errors.New("disk full")
	if _, err := Run(context.Background(), c, train, test, nil, &memory{fail: full}); !errors.Is(err, full) {
		t.Errorf("error of the recorder: got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, c, train, test, nil, new(memory)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

func TestDropPaths(t *testing.T) {
	f := make([]float32, 10000)
	dropPaths(f, 100, .3, rand.New(rand.NewPCG(1, 2)), ranks.One{})
	sum := 0.0
	for _, x := range f {
		if x != 0 && x != float32(1/(1-.3)) {
			t.Fatalf("factor %v is neither 0 nor 1/.7", x)
		}
		sum += float64(x)
	}
	if mean := sum / float64(len(f)); math.Abs(mean-1) > .02 {
		t.Errorf("mean factor: got %v, want about 1", mean)
	}
}

func TestValidate(t *testing.T) {
	good := Paper()
	good.Net.Genotype, _ = space.Named("DARTS_V2")
	good.Net.Classes = 10
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"epoch":         func(c *Config) { c.Epochs = 0 },
		"batch":         func(c *Config) { c.Batch = 1 },
		"learning rate": func(c *Config) { c.Rate = math.NaN() },
		"drop-path":     func(c *Config) { c.DropPath = 1 },
		"channels":      func(c *Config) { c.Net.Channels = 7 },
	} {
		c := good
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error about the %s, got %v", want, err)
		}
	}
}

// A learning rate that is far too high is named as the cause, whatever fails first.
func TestDivergenceIsExplained(t *testing.T) {
	c, train, test := tiny(t)
	for _, name := range []string{"DARTS_V2", "PC_DARTS_cifar"} {
		var err error
		if c.Net.Genotype, err = space.Named(name); err != nil {
			t.Fatal(err)
		}
		for _, rate := range []float64{1e8, 1e20, 1e36} {
			c.Rate = rate
			_, err := Run(context.Background(), c, train, test, nil, new(memory))
			if err == nil || !strings.Contains(err.Error(), "retrain: a weight has grown to ") ||
				!strings.Contains(err.Error(), "lower the learning rate") {
				t.Errorf("%s with learning rate %g: %v", name, rate, err)
			}
		}
	}
}

// allocations counts what the process allocates from one step to the next.
type allocations struct {
	memory
	stats runtime.MemStats
	last  uint64
	least uint64
}

func (a *allocations) Step(p train.Progress) {
	runtime.ReadMemStats(&a.stats)
	if p.Step > 1 {
		a.least = min(a.least, a.stats.Mallocs-a.last)
	}
	a.last = a.stats.Mallocs
}

// The loop over steps allocates nothing, drop-path included. The step with the fewest allocations
// counts, for other goroutines may allocate.
func TestTheStepLoopAllocatesNothing(t *testing.T) {
	c, images, test := tiny(t)
	a := &allocations{least: math.MaxUint64}
	if _, err := Run(context.Background(), c, images, test, nil, a); err != nil {
		t.Fatal(err)
	}
	if a.least != 0 {
		t.Errorf("%d allocations a step, want 0", a.least)
	}
}
