package judge

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/stat"

	"zos-ort/models/space"
	"zos-ort/models/stream"
)

// sizes are the numbers of operations that a mask leaves to the genes of every edge; none counts where derived
// architectures have it. Masks of the same sizes are compared.
type sizes [2][space.MaxEdges]int

func sizesOf(m space.Mask) (s sizes) {
	for t, e := range m.Places() {
		s[t][e] = m.Genes(t, e).Len()
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
	Complement *Mean   `json:"complement,omitempty"`        // if it contains architectures
	Parameters Mean    `json:"most_parameters"`             // the rule that keeps the operations with most weights
	Separable  Mean    `json:"separable_and_skip,omitzero"` // the rule that keeps those first; in DARTS
}

// separableAndSkip is a rule that needs no measurement: which operations a mask of DARTS keeps first.
var (
	separableAndSkip = []space.Primitive{space.SepConv3x3, space.SepConv5x5, space.SkipConnect,
		space.DilConv3x3, space.DilConv5x5, space.MaxPool3x3, space.AvgPool3x3}
)

// keep makes a mask of the given sizes that keeps, on every edge, the first of a list.
func (s sizes) keep(of *space.Space, list func() []space.Primitive) space.Mask {
	m, full := of.EmptyMask(), of.FullMask()
	for t, e := range full.Places() {
		for _, p := range list() {
			if set := m.At(t, e); full.At(t, e).Has(p) && set.Len() < s[t][e] {
				m.Put(t, e, set.With(p))
			}
		}
	}
	return m
}

func always(list []space.Primitive) func() []space.Primitive {
	return func() []space.Primitive { return list }
}

// mostParameters is another such rule: the operations with most weights come first.
func mostParameters(s *space.Space) []space.Primitive {
	list := s.Members(space.SetOf(s.Operations()...).Without(space.None))
	if s.KeepsNone() {
		list = append(list, space.None)
	}
	weights := func(p space.Primitive) int {
		const channels = 16
		return space.OperationParams(p, channels, 1) + space.OperationParams(p, channels, 2)
	}
	slices.SortStableFunc(list, func(a, b space.Primitive) int { return cmp.Compare(weights(b), weights(a)) })
	return list
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
	for t, e := range s.Mask.Places() {
		v.Operations += size[t][e]
	}
	of := s.Mask.Space()
	if of != j.source.Space() {
		return v, fmt.Errorf("%s: the mask is of the space %s, the judge knows architectures of %s", s.Name, of.Name(),
			j.source.Space().Name())
	}
	random, err := j.randomMasks(ctx, size, step)
	if err != nil {
		return v, err
	}
	for i, x := range []struct {
		mask space.Mask
		mean *Mean
	}{{*s.Mask, &v.Inside}, {size.keep(of, always(mostParameters(of))), &v.Parameters},
		{size.keep(of, always(separableAndSkip)), &v.Separable}} {
		if x.mean == &v.Separable && of != space.DARTS {
			continue
		}
		inside, err := j.inside(ctx, stream.New(j.Seed, stream.JudgeInside, uint64(i)), x.mask, j.Draws, nothing)
		if err != nil {
			return v, err
		}
		*x.mean = MeanOf(inside)
		step()
	}
	v.Random.Mean, v.Random.Deviation = stat.MeanStdDev(random, nil)
	v.Lift = v.Inside.less(MeanOf(random))
	v.Z = v.Lift.Value / v.Random.Deviation
	complement, full := of.EmptyMask(), of.FullMask()
	for t, e := range full.Places() {
		complement.Put(t, e, full.Genes(t, e)&^s.Mask.At(t, e))
	}
	if inside, err := j.inside(ctx, stream.New(j.Seed, stream.JudgeInside, 3), complement, j.Draws,
		nothing); err == nil { // else it has no architecture
		v.Complement = new(MeanOf(inside))
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
		of := j.source.Space()
		list := mostParameters(of)
		m := size.keep(of, func() []space.Primitive {
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
