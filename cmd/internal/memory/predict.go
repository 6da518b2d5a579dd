package memory

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen"
	"zos-ort/graphgen/pass"
	"zos-ort/graphgen/plan"
	"zos-ort/models/method"
	"zos-ort/models/space"
)

// Prediction is what a method's programs need, in bytes: means over the masks where these are random.
type Prediction struct {
	Method string `json:"method"`
	// Peak is the highest of the programs, with state, inputs and constants.
	Peak int `json:"predicted_peak_bytes"`
	// Weight, Alpha and Rank are the live bytes of the programs alone.
	Weight int `json:"weight_step_bytes"`
	Alpha  int `json:"alpha_step_bytes"`
	Rank   int `json:"rank_bytes"`
	State  int `json:"state_bytes"`
	Masks  int `json:"masks"`

	// Error is the standard error of Peak over the masks; 0 for a single one.
	Error int `json:"predicted_peak_standard_error"`

	Programs []Planned `json:"-"` // on the first mask; none if nothing runs
}

// Planned is a program and its plan.
type Planned struct {
	*graphgen.Program
	Plan plan.Plan
}

// Worst is the highest number of live bytes of the method's programs.
func (p Prediction) Worst() int { return max(p.Weight, p.Alpha, p.Rank) }

// Predict plans the steps of a method's search, over several masks where they are random, or the ranking
// pass of a method that has no search.
func Predict(e settings.Experiment, masks int) (Prediction, error) {
	m := e.Technique()
	sum := Prediction{Method: m.Name, Masks: 1}
	if m.Mask == method.Algorithm1 || m.Mask == method.RandomMask {
		sum.Masks = masks
	}
	var peaks []float64
	for i := range sum.Masks {
		one, err := predictMask(e, m, i)
		if err != nil {
			return sum, fmt.Errorf("%s: %w", m.Name, err)
		}
		sum.Peak, sum.Weight, sum.Alpha = sum.Peak+one.Peak, sum.Weight+one.Weight, sum.Alpha+one.Alpha
		sum.Rank, sum.State = sum.Rank+one.Rank, sum.State+one.State
		if peaks = append(peaks, float64(one.Peak)); i == 0 {
			sum.Programs = one.Programs
		}
	}
	for _, v := range []*int{&sum.Peak, &sum.Weight, &sum.Alpha, &sum.Rank, &sum.State} {
		*v /= sum.Masks
	}
	if len(peaks) > 1 {
		sum.Error = int(stat.StdDev(peaks, nil) / math.Sqrt(float64(len(peaks))))
	}
	return sum, nil
}

// predictMask plans the programs under one mask. A method that only ranks has no steps; a draw by chance
// runs nothing.
func predictMask(e settings.Experiment, m method.Method, i int) (p Prediction, err error) {
	var programs []*graphgen.Program
	switch m.Source {
	case method.ByScores:
		programs, err = e.Programs(settings.StagePruning, e.Space.Of().FullMask())
	case method.BySearch:
		var mask space.Mask
		if mask, err = e.LikelyMaskAt(i); err == nil {
			programs, err = e.Programs(settings.StageSearch, mask)
		}
		programs = programs[:min(len(programs), 2)] // the steps; an evaluation needs less
	}
	beside := besides(e, programs)
	for j, program := range programs {
		r := plan.Of(program.Graph)
		to := &p.Rank
		if m.Source == method.BySearch {
			to = []*int{&p.Weight, &p.Alpha}[j]
		}
		*to = r.Peak
		p.State, p.Peak = max(p.State, r.State), max(p.Peak, r.Total()+beside[j])
		p.Programs = append(p.Programs, Planned{program, r})
	}
	return p, err
}

// Leanest is the experiment with as little memory as its programs can do with.
func Leanest(e settings.Experiment) settings.Experiment {
	e.Execution.Recompute = pass.RecomputeMax.String()
	return e
}

// LargestBatchOf is the largest batch at which the steps of a method stay within limit bytes; 0 if there
// is none.
func LargestBatchOf(e settings.Experiment, limit int) (int, error) {
	return LargestBatch(func(batch int) (int, error) {
		p, err := Predict(e.WithBatch(settings.StageSearch, batch).WithBatch(settings.StagePruning, batch), 1)
		return p.Peak, err
	}, limit)
}
