package stages

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/ranks"
	"zos-ort/ort/program"
	"zos-ort/search/checkpoint"
)

// leads reports whether this process writes and speaks: alone, or as the first of several ranks.
func (r *Run) leads() bool { return ranks.Leads(r.Ranks) }

// Kinds of errors of other ranks.
const (
	otherError = iota
	usageError
)

// Agree gives all ranks an error if one of them has one. What is a mistake on the command line of one rank is one on
// all.
func Agree(g ranks.Group, err error) error {
	err = ranks.Agree(g, err, func(err error) int {
		if terminal.IsUsage(err) {
			return usageError
		}
		return otherError
	})
	if failed := new(ranks.Failed); errors.As(err, &failed) && failed.Kind == usageError && !terminal.IsUsage(err) {
		return terminal.Usage(err)
	}
	return err
}

// available is the memory for this process: ranks on one machine share it.
func (r *Run) available() memory.Available {
	a := r.Device.Available()
	if r.Device.CUDA == nil {
		a.Bytes /= r.LocalRanks()
	}
	return a
}

// restore reads the last checkpoint of a stage on the first rank and gives it to all: what was saved, and the state that
// belongs to it. ok is whether there is one.
func (r *Run) restore(store checkpoint.Store, saved any) (v program.Vectors, ok bool, err error) {
	state, ok, err := store.Load(saved, damaged(r.Console))
	if err == nil && ok {
		v, err = program.ReadVectors(state)
	}
	if err != nil || r.Ranks.Size() == 1 {
		return v, ok, err
	}
	if err := ranks.Share(r.Ranks, &ok, 0); err != nil || !ok {
		return v, ok, err
	}
	if err := ranks.Share(r.Ranks, saved, 0); err != nil {
		return v, ok, err
	}
	for _, x := range []*[]float32{&v.Weights, &v.Momentum, &v.Means, &v.Variances} {
		if err := shareFloats(r.Ranks, x); err != nil {
			return v, ok, fmt.Errorf("state: %w", err)
		}
	}
	return v, ok, nil
}

// shareFloats gives all ranks a vector of the first.
func shareFloats(g ranks.Group, v *[]float32) error {
	var b []byte
	var err error
	if g.Rank() == 0 {
		if b, err = binary.Append(nil, binary.LittleEndian, *v); err != nil {
			return err
		}
	}
	if b, err = ranks.ShareBytes(g, b, 0); err != nil || g.Rank() == 0 {
		return err
	}
	*v = make([]float32, len(b)/4)
	return binary.Read(bytes.NewReader(b), binary.LittleEndian, *v)
}
