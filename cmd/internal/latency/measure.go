package latency

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"zos-ort/cmd/internal/costs"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/graphgen/pass"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/models/stream"
)

// Request is what to measure.
type Request struct {
	costs.Setting
	Seed   uint64
	Rounds int // visits of every network
	Check  int // random networks on which the prediction is tested
}

// fitted is the number of whole networks that give the fixed part and the scale.
const fitted = 12

// figures are medians in milliseconds.
type figures struct {
	places     map[space.Place]float64
	fit, check []sample
}

// sample is a network with its latency.
type sample struct {
	genotype space.Genotype
	ms       float64
}

// job is what is measured, in the order in which it was built.
type job struct {
	folder   string
	setting  costs.Setting
	rng      *rand.Rand
	subjects []*subject
}

func (j *job) add(image int, spec graphgen.Spec) error {
	x, err := newSubject(filepath.Join(j.folder, fmt.Sprint(len(j.subjects))), j.setting, image, spec, j.rng)
	if err == nil {
		j.subjects = append(j.subjects, x)
	}
	return err
}

// measure times every operation at every place and all networks, round by round in a changing order, so that what
// happens on the machine meanwhile hits all of them alike.
func (r Request) measure(ctx context.Context, p *terminal.Console) (f *figures, err error) {
	folder, err := os.MkdirTemp("", "zos-ort-costs-*")
	if err != nil {
		return nil, fmt.Errorf("a folder for networks to measure: %w", err)
	}
	defer os.RemoveAll(folder)
	j := &job{folder: folder, setting: r.Setting, rng: stream.New(r.Seed, stream.MeasuredWeights, 0)}
	places := r.Space.Of().Places(r.Size(), r.Image)
	fit, check, err := r.networks()
	if err != nil {
		return nil, err
	}
	if err := j.build(ctx, places, slices.Concat(fit, check), p); err != nil {
		return nil, err
	}
	if err := j.rounds(ctx, r, p); err != nil {
		return nil, err
	}
	f = &figures{places: map[space.Place]float64{}}
	for i, x := range places {
		one, all := j.subjects[2*i].times, j.subjects[2*i+1].times
		var more []float64
		for round := range one {
			more = append(more, (all[round]-one[round])/(network.AloneStates-1))
		}
		f.places[x.Place] = max(0, median(more))
	}
	for i, g := range slices.Concat(fit, check) {
		s := sample{g, median(j.subjects[2*len(places)+i].times)}
		if i < len(fit) {
			f.fit = append(f.fit, s)
		} else {
			f.check = append(f.check, s)
		}
	}
	return f, nil
}

// build makes the files: for every place two, for every genotype one.
func (j *job) build(ctx context.Context, places []space.Occurrence, list []space.Genotype, p *terminal.Console) error {
	defer p.Stop()
	p.Start(2*len(places)+len(list), "building networks")
	for _, x := range places {
		for _, copies := range []int{1, network.AloneStates} {
			if err := j.add(x.Side, network.Alone{Place: x.Place, Copies: copies}.Spec()); err != nil {
				return err
			}
			p.Step("")
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	for _, g := range list {
		if err := j.add(j.setting.Image, j.setting.Net(g).Spec(1, j.setting.Image, pass.Lowering{})); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		p.Step("")
	}
	return nil
}

// rounds visits all networks again and again; the two of a place one after the other, for their difference counts.
func (j *job) rounds(ctx context.Context, r Request, p *terminal.Console) error {
	defer p.Stop()
	p.Start(r.Rounds*len(j.subjects), "measuring")
	pairs := 2 * len(r.Space.Of().Places(r.Size(), r.Image))
	for round := range r.Rounds {
		for _, i := range stream.New(r.Seed, stream.MeasuredOrder, uint64(round)).Perm(len(j.subjects)) {
			if i < pairs && i%2 == 1 {
				continue
			}
			for k := i; k == i || k < pairs && k == i+1; k++ {
				if err := j.subjects[k].visit(ctx, r.Setting); err != nil {
					return err
				}
				p.Step("")
			}
		}
	}
	return nil
}

// networks draws those that fit the prediction, spread over their multiply-accumulates, and those that test it.
func (r Request) networks() (fit, check []space.Genotype, err error) {
	draw := func(purpose stream.Purpose, n int) (list []space.Genotype, err error) {
		rng := stream.New(r.Seed, purpose, 0)
		for range n {
			g, err := space.RandomGenotype(rng, r.Space.Of().FullMask())
			if err != nil {
				return nil, err
			}
			list = append(list, g)
		}
		return list, nil
	}
	const drawn = 16 * fitted
	all, err := draw(stream.FittedNetworks, drawn)
	if err != nil {
		return nil, nil, err
	}
	_, macs := r.Space.Of().CountedCosts(r.Size(), r.Classes, r.Image)
	slices.SortStableFunc(all, func(a, b space.Genotype) int { return cmp.Compare(macs.Of(a.Live()), macs.Of(b.Live())) })
	for i := range fitted {
		fit = append(fit, all[i*(drawn-1)/(fitted-1)])
	}
	check, err = draw(stream.CheckedNetworks, r.Check)
	return fit, check, err
}
