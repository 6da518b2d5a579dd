package judge

import (
	"context"
	"slices"

	"gonum.org/v1/gonum/stat"

	"zos-ort/models/space"
	"zos-ort/models/stream"
)

// sizes are the numbers of operations other than none that a mask keeps on every edge. Masks of the
// same sizes are compared, because none is never in a derived architecture.
type sizes [2][space.Edges]int

func sizesOf(m space.Mask) (s sizes) {
	for _, t := range space.CellTypes {
		for e, set := range m[t] {
			s[t][e] = set.Without(space.None).Len()
		}
	}
	return s
}

// Mask is the verdict on a mask: the accuracies of architectures drawn from inside of it, beside
// masks of the same size.
type Mask struct {
	Subject
	Operations int  `json:"operations"` // that a derived architecture can have
	Inside     Mean `json:"inside"`
	// Random is the mean over random masks of the same size, with their standard deviation.
	Random struct {
		Mean      float64 `json:"mean"`
		Deviation float64 `json:"standard_deviation"`
	} `json:"random_masks"`
	Lift Mean `json:"lift"` // inside less random masks
	// Z is the lift in standard deviations of random masks.
	Z          float64 `json:"z"`
	Complement *Mean   `json:"complement,omitempty"` // if it contains architectures
	Parameters Mean    `json:"most_parameters"`      // the rule that keeps the operations with most weights
	Separable  Mean    `json:"separable_and_skip"`   // the rule that keeps those first
}

// Rules that need no measurement: which operations a mask keeps first.
var (
	mostParameters = []space.Primitive{space.SepConv5x5, space.SepConv3x3, space.DilConv5x5,
		space.DilConv3x3, space.SkipConnect, space.MaxPool3x3, space.AvgPool3x3}
	separableAndSkip = []space.Primitive{space.SepConv3x3, space.SepConv5x5, space.SkipConnect,
		space.DilConv3x3, space.DilConv5x5, space.MaxPool3x3, space.AvgPool3x3}
)

// keep makes a mask of the given sizes that keeps, on every edge, the first of a list.
func (s sizes) keep(list func(t space.CellType, edge int) []space.Primitive) (m space.Mask) {
	for _, t := range space.CellTypes {
		for e, n := range s[t] {
			m[t][e] = space.SetOf(list(t, e)[:n]...)
		}
	}
	return m
}

func always(list []space.Primitive) func(space.CellType, int) []space.Primitive {
	return func(space.CellType, int) []space.Primitive { return list }
}

// Masks judges masks; step is called for every mask that is drawn from.
func (j *Judge) Masks(ctx context.Context, subjects []Subject, step func()) ([]Mask, error) {
	list := []Mask{}
	for _, s := range subjects {
		if s.Mask == nil {
			continue
		}
		v, err := j.mask(ctx, s, step)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (j *Judge) mask(ctx context.Context, s Subject, step func()) (v Mask, err error) {
	size := sizesOf(*s.Mask)
	v = Mask{Subject: s}
	for _, t := range space.CellTypes {
		for _, n := range size[t] {
			v.Operations += n
		}
	}
	random, err := j.randomMasks(ctx, size, step)
	if err != nil {
		return v, err
	}
	for i, x := range []struct {
		mask space.Mask
		mean *Mean
	}{{*s.Mask, &v.Inside}, {size.keep(always(mostParameters)), &v.Parameters},
		{size.keep(always(separableAndSkip)), &v.Separable}} {
		inside, err := j.inside(ctx, stream.New(j.Seed, stream.JudgeInside, uint64(i)), x.mask, j.Draws, nothing)
		if err != nil {
			return v, err
		}
		*x.mean = meanOf(inside)
		step()
	}
	v.Random.Mean, v.Random.Deviation = stat.MeanStdDev(random, nil)
	v.Lift = v.Inside.less(meanOf(random))
	v.Z = v.Lift.Value / v.Random.Deviation
	var complement space.Mask
	for _, t := range space.CellTypes {
		for e, set := range s.Mask[t] {
			complement[t][e] = space.FullMask()[t][e].Without(space.None) &^ set
		}
	}
	if inside, err := j.inside(ctx, stream.New(j.Seed, stream.JudgeInside, 3), complement, j.Draws,
		nothing); err == nil { // else it has no architecture
		v.Complement = new(meanOf(inside))
	}
	return v, ctx.Err()
}

// randomMasks returns the mean accuracies inside of random masks of the given sizes, each time the same.
func (j *Judge) randomMasks(ctx context.Context, size sizes, step func()) ([]float64, error) {
	if known, ok := j.masks[size]; ok {
		return known, nil
	}
	means := make([]float64, j.Settings.Masks)
	for i := range means {
		rng := stream.New(j.Seed, stream.JudgeMasks, uint64(i))
		list := slices.Clone(mostParameters)
		m := size.keep(func(space.CellType, int) []space.Primitive {
			rng.Shuffle(len(list), func(a, b int) { list[a], list[b] = list[b], list[a] })
			return list
		})
		inside, err := j.inside(ctx, rng, m, j.Draws, nothing)
		if err != nil {
			return nil, err
		}
		means[i] = stat.Mean(inside, nil)
		step()
	}
	j.masks[size] = means
	return means, nil
}
