// Package memory predicts the peak memory of the stages of a run, compares it with what the machine has,
// and refuses a run that does not fit. Predictions come from the programs themselves, planned by package
// graphgen/plan; they need no runtime.
package memory

import (
	"fmt"
	"slices"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen"
	"zos-ort/graphgen/pass"
	"zos-ort/graphgen/plan"
	"zos-ort/models/space"
)

// Demand is a part of a run, and its predicted peak in bytes by the number of images at a time.
type Demand struct {
	What  string // "the search"
	Flag  string // that sets the batch
	Batch int
	Peak  func(batch int) (int, error)
	// Lean is the demand with as little memory as the programs can do with; nil if they do already.
	Lean func(batch int) (Lean, error)
}

// Lean is a demand with --recompute max: its peak, and how much longer a step takes, as predicted.
type Lean struct {
	Peak   int
	Slower float64 // .2: 20 % longer
}

// String names the flag and what it costs.
func (l Lean) String() string {
	return fmt.Sprintf("--recompute %v, about %.0f %% slower", pass.RecomputeMax, 100*l.Slower)
}

// Of is the demand of a stage under a mask.
func Of(e settings.Experiment, s settings.Stage, mask space.Mask) Demand {
	d := Demand{What: s.String(), Flag: s.BatchFlag(), Batch: e.Batch(s), Peak: func(batch int) (int, error) {
		return Peak(e.WithBatch(s, batch), s, mask)
	}}
	if s != settings.StagePruning && e.Execution.Recompute != pass.RecomputeMax.String() {
		d.Lean = func(batch int) (Lean, error) { return leanOf(e.WithBatch(s, batch), s, mask) }
	}
	return d
}

// leanOf predicts a stage with --recompute max, beside the stage as it is set.
func leanOf(e settings.Experiment, s settings.Stage, mask space.Mask) (l Lean, err error) {
	set, err := e.Programs(s, mask)
	if err != nil {
		return l, err
	}
	e = Leanest(e)
	lean, err := e.Programs(s, mask)
	if err != nil {
		return l, err
	}
	lowering, err := e.Lowering()
	if err != nil {
		return l, err
	}
	for i, p := range lean {
		l.Slower = max(l.Slower, pass.StepTime(p.Graph, lowering.Target)/pass.StepTime(set[i].Graph, lowering.Target)-1)
	}
	l.Peak = PeakOf(e, lean)
	return l, nil
}

// Demands predicts the peaks of all stages of a run, under the mask that it is likely to have.
func Demands(e settings.Experiment) (list []Demand, err error) {
	for _, s := range e.Stages() {
		mask := e.Space.Of().FullMask() // where pruning starts
		if s == settings.StageSearch {
			if mask, err = e.LikelyMask(); err != nil {
				return nil, err
			}
		}
		list = append(list, Of(e, s, mask))
	}
	if e.Searches() && e.Search.Selects() {
		list = append(list, ofSelection(e))
	}
	return list, nil
}

// ofSelection is the demand of the trainings that choose a genotype: of the architecture that needs most, since
// none is known yet.
func ofSelection(e settings.Experiment) Demand {
	d := Of(e.Selection(e.Space.Of().Heaviest()), settings.StageTraining, space.Mask{})
	d.What = "the selection"
	return d
}

// Peak predicts the memory of a stage under a mask: the highest peak of its programs with state, inputs
// and constants. Pruning runs several networks side by side, each with a state and tensors of its own.
func Peak(e settings.Experiment, s settings.Stage, mask space.Mask) (int, error) {
	programs, err := e.Programs(s, mask)
	if err != nil {
		return 0, err
	}
	if s == settings.StagePruning {
		return e.RankingSessions() * PeakOf(e, programs), nil
	}
	return PeakOf(e, programs), nil
}

// PeakOf is the highest peak of programs of an experiment that run one after the other.
func PeakOf(e settings.Experiment, programs []*graphgen.Program) (peak int) {
	beside := besides(e, programs)
	for i, p := range programs {
		peak = max(peak, plan.Of(p.Graph).Total()+beside[i])
	}
	return peak
}

// besides has for every program what the others keep while it runs: nothing or, as CUDA graphs, the memory of their
// inputs and outputs, whose places stay the same.
func besides(e settings.Experiment, programs []*graphgen.Program) []int {
	bytes, all := make([]int, len(programs)), 0
	if !e.Graphs() {
		return bytes
	}
	for i, p := range programs {
		for _, port := range slices.Concat(p.Signature.Inputs, p.Signature.Outputs) {
			if !port.Role.IsState() {
				bytes[i] += plan.Rounded(port.Type.Bytes())
			}
		}
		all += bytes[i]
	}
	for i := range bytes {
		bytes[i] = all - bytes[i]
	}
	return bytes
}

// maxBatch ends the search for a batch where every batch fits.
const maxBatch = 1 << 14

// LargestBatch is the largest batch whose peak stays within limit bytes; 0 if none does. The peak is
// nearly linear in the batch, so each guess is where the tangent at the last one meets the limit.
func LargestBatch(predict func(batch int) (int, error), limit int) (int, error) {
	peaks := map[int]int{}
	peak := func(batch int) (int, error) {
		if v, ok := peaks[batch]; ok {
			return v, nil
		}
		v, err := predict(batch)
		peaks[batch] = v
		return v, err
	}
	lo, hi := 0, maxBatch+1 // lo fits, hi does not
	for guess := 1; hi-lo > 1; {
		v, err := peak(guess)
		if err != nil {
			return 0, err
		}
		if v <= limit {
			lo = guess
		} else {
			hi = guess
		}
		next, err := peak(guess + 1)
		if err != nil {
			return 0, err
		}
		slope := max(1, next-v)
		guess = min(max(guess+(limit-v)/slope, lo+1), hi-1)
	}
	return lo, nil
}

// Need is the predicted peak of a run and the memory that is available to it.
type Need struct {
	Peak int    // of the hungriest part; 0 if nothing runs
	Part Demand // the hungriest
	Last int    // peak of the last part
	// Stacks is what threads keep for themselves besides.
	Stacks int
	Available
}

// perThread is what a thread of --threads takes, beside tensors: the runtime starts about two for it, each with the
// used part of a stack and a cache of its allocator. 64 KiB were measured with 130 threads.
const perThread = 1 << 17

// WithThreads counts what threads keep for themselves.
func (n Need) WithThreads(threads int) Need {
	n.Stacks = threads * perThread
	return n
}

// NeedOf predicts the peak of a run whose parts follow one another. The images are in memory already when
// a run asks.
func NeedOf(parts []Demand, a Available) (n Need, err error) {
	n.Available = a
	for _, d := range parts {
		if n.Last, err = d.Peak(d.Batch); err != nil {
			return n, fmt.Errorf("memory of %s: %w", d.What, err)
		}
		if n.Last > n.Peak {
			n.Peak, n.Part = n.Last, d
		}
	}
	return n, nil
}
