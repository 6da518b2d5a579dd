package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat"

	"zos-ort/graphgen"
	"zos-ort/graphgen/plan"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
)

// memoryConfig is what predictions depend on.
type memoryConfig struct {
	Batch    int    `json:"batch"`
	Channels int    `json:"channels"`
	Cells    int    `json:"cells"`
	Image    int    `json:"image_size"`
	Passes   string `json:"passes"`
	// Recompute overrides what Passes says about the pass of this name, unless it is empty.
	Recompute string `json:"recompute,omitempty"`

	Xi    float64 `json:"xi"`
	Masks int     `json:"masks"`
	Seed  uint64  `json:"seed"`

	// Precision is that of the programs of a GPU.
	Precision string `json:"precision,omitempty"`
	cuda      bool   // the programs of a GPU
}

// prediction is one row of the table: bytes, means over the masks where there are several.
type prediction struct {
	Method string `json:"method"`
	// Peak is that of the worst program, with state, inputs and constants.
	Peak int `json:"predicted_peak_bytes"`
	// Weight, Alpha and Rank are the live bytes of the programs alone.
	Weight int `json:"weight_step_bytes"`
	Alpha  int `json:"alpha_step_bytes"`
	Rank   int `json:"rank_bytes"`
	State  int `json:"state_bytes"`
	Masks  int `json:"masks"`

	// Error is the standard error of Peak over the masks; 0 for a single one.
	Error int `json:"predicted_peak_standard_error"`

	programs []planned // on the first mask; none if nothing runs
}

// planned is a program and its plan.
type planned struct {
	*graphgen.Program
	plan plan.Plan
}

// worst is the highest peak of live bytes of the method's programs.
func (p prediction) worst() int { return max(p.Weight, p.Alpha, p.Rank) }

// predict builds the programs of a method and plans them.
func (c memoryConfig) predict(m method.Method) (prediction, error) {
	sum := prediction{Method: m.Name}
	masks := c.masksOf(m)
	var peaks []float64
	for _, mask := range masks {
		one, err := c.predictMask(m, mask)
		if err != nil {
			return sum, fmt.Errorf("%s: %w", m.Name, err)
		}
		sum.Peak, sum.Weight, sum.Alpha = sum.Peak+one.Peak, sum.Weight+one.Weight, sum.Alpha+one.Alpha
		sum.Rank, sum.State = sum.Rank+one.Rank, sum.State+one.State
		if peaks = append(peaks, float64(one.Peak)); sum.programs == nil {
			sum.programs = one.programs
		}
	}
	sum.Masks = len(masks)
	for _, v := range []*int{&sum.Peak, &sum.Weight, &sum.Alpha, &sum.Rank, &sum.State} {
		*v /= len(masks)
	}
	if len(masks) > 1 {
		sum.Error = int(stat.StdDev(peaks, nil) / math.Sqrt(float64(len(masks))))
	}
	return sum, nil
}

// predictMask looks at the programs of a search. A method that only ranks has no steps; a draw by
// chance runs nothing.
func (c memoryConfig) predictMask(m method.Method, mask space.Mask) (p prediction, err error) {
	spec, err := c.spec(m, mask).Learn()
	if err != nil {
		return p, err
	}
	emit := func(to *int, build func() (*graphgen.Program, error)) {
		if err != nil {
			return
		}
		var g *graphgen.Program
		if g, err = build(); err != nil {
			return
		}
		r := plan.Of(g.Graph)
		*to = r.Peak
		p.State = max(p.State, r.State)
		p.Peak = max(p.Peak, r.Total())
		p.programs = append(p.programs, planned{g, r})
	}
	switch m.Source {
	case method.ByScores:
		emit(&p.Rank, spec.Rank)
	case method.BySearch:
		emit(&p.Weight, spec.WeightStep)
		emit(&p.Alpha, spec.AlphaStep)
	}
	return p, err
}

func (c memoryConfig) spec(m method.Method, mask space.Mask) graphgen.Spec {
	net := supernet.Config{Channels: c.Channels, Cells: c.Cells, Classes: benchClasses, Mask: mask,
		Partial: m.Partial}
	s := graphgen.Spec{Batch: c.Batch, Image: c.Image, Classes: net.Classes, SGD: graphgen.PaperSGD}
	for _, p := range passes {
		if c.has(p.name) {
			p.on(&net, &s)
		}
	}
	if c.cuda {
		s.Kernels, s.CUDA, s.BFloat16 = false, true, c.Precision == bf16
	}
	s.Recompute, _ = c.recompute() // checked
	s.Forward = net.Forward()
	return s
}

// masksOf are the masks that a prediction averages over. Pruning needs the runtime, so what is left
// of it is a random mask of the right size: it drops none before anything else, and xi counts that.
func (c memoryConfig) masksOf(m method.Method) []space.Mask {
	if m.Mask == method.NoMask || m.Mask == method.ToOne {
		return []space.Mask{space.FullMask()}
	}
	full := space.FullMask()
	keep := c.Xi
	if m.Mask == method.Algorithm1 {
		keep = min(1, c.Xi*float64(full.Count())/float64(full.Drop(space.None).Count()))
	}
	masks := make([]space.Mask, c.Masks)
	for i := range masks {
		rng := rand.New(rand.NewPCG(c.Seed, streamMask+uint64(i)))
		masks[i], _ = space.RandomMask(rng, keep)
		if m.Mask == method.Algorithm1 {
			masks[i] = masks[i].Drop(space.None)
		}
	}
	return masks
}

// largestBatch is the largest batch at which the method stays within limit bytes; 0 if there is none.
func (c memoryConfig) largestBatch(m method.Method, limit int) (int, error) {
	c.Masks = 1
	return largestBatch(func(batch int) (int, error) {
		c.Batch = batch
		p, err := c.predict(m)
		return p.Peak, err
	}, limit)
}

// largestBatch is the largest batch whose peak stays within limit bytes; 0 if none does. The peak is
// nearly a straight line over the batch, so each guess is where its tangent meets the limit.
func largestBatch(predict func(batch int) (int, error), limit int) (int, error) {
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

// maxBatch ends the search where everything fits.
const maxBatch = 1 << 14
