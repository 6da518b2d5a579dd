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
	"zos-ort/search/retrain"
)

// leads reports whether this process writes and speaks: alone, or as the first of several ranks.
func (r *Run) leads() bool { return ranks.Leads(r.Ranks) }

// several is the number of ranks, 0 for a process alone.
func (r *Run) several() int {
	if n := r.Ranks.Size(); n > 1 {
		return n
	}
	return 0
}

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

// resumed gives all ranks what the first has read of a checkpoint, and the state that belongs to it; ok is whether it
// has found one.
func resumed(g ranks.Group, ok bool, saved any, v *program.Vectors) (bool, error) {
	if g.Size() == 1 {
		return ok, nil
	}
	err := ranks.Share(g, &ok, 0)
	if err != nil || !ok {
		return ok, err
	}
	if err := ranks.Share(g, saved, 0); err != nil {
		return ok, err
	}
	for _, x := range []*[]float32{&v.Weights, &v.Momentum, &v.Means, &v.Variances} {
		if err := shareFloats(g, x); err != nil {
			return ok, fmt.Errorf("state: %w", err)
		}
	}
	return ok, nil
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

// startOf is where a training starts that the first rank has found in a checkpoint; nil if it has found none.
func startOf(g ranks.Group, ok bool, saved any, s *retrain.Snapshot, v program.Vectors) (*retrain.Start, error) {
	ok, err := resumed(g, ok, saved, &v)
	if err != nil || !ok {
		return nil, err
	}
	return &retrain.Start{Snapshot: *s, Vectors: v}, nil
}
