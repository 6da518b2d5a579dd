package ranks

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// Failed is the error of another rank.
type Failed struct {
	Rank int
	Text string
	Kind int // see Agree
}

// Error names the rank.
func (f *Failed) Error() string { return fmt.Sprintf("rank %d: %s", f.Rank, f.Text) }

// Agreed is an error that all ranks have, so that none waits for another.
type Agreed struct{ error }

// Unwrap is the error.
func (a Agreed) Unwrap() error { return a.error }

// Agree gives all ranks an error if one of them has one: a rank with an error its own, the others that of the first
// such rank. The kind of an error is a number that the caller chooses, and travels with it; nil is for errors of one kind, 0.
func Agree(g Group, err error, kind func(error) int) error {
	g = Of(g)
	if g.Size() == 1 {
		return err
	}
	lengths := make([]float64, g.Size())
	mine := &Failed{Rank: g.Rank()}
	if err != nil {
		if mine.Text = err.Error(); kind != nil {
			mine.Kind = kind(err)
		}
		lengths[mine.Rank] = 1
	}
	if failed := g.Sum64(lengths); failed != nil {
		return failed
	}
	for rank, bad := range lengths {
		if bad == 0 {
			continue
		}
		if failed := Share(g, mine, rank); failed != nil {
			return failed
		}
		if err == nil {
			err = mine
		}
		return Agreed{err}
	}
	return nil
}

// Share gives all ranks the value that one of them has, by way of JSON. It is a pointer.
func Share(g Group, value any, from int) error {
	if g.Size() == 1 {
		return nil
	}
	var b []byte
	if g.Rank() == from {
		var err error
		if b, err = json.Marshal(value); err != nil {
			return fmt.Errorf("share: %w", err)
		}
	}
	b, err := ShareBytes(g, b, from)
	if err != nil || g.Rank() == from {
		return err
	}
	if err := json.Unmarshal(b, value); err != nil {
		return fmt.Errorf("share: %w", err)
	}
	return nil
}

// ShareBytes gives all ranks the bytes that one of them has; the others need not know how many.
func ShareBytes(g Group, b []byte, from int) ([]byte, error) {
	if g.Size() == 1 {
		return b, nil
	}
	var length [8]byte
	binary.LittleEndian.PutUint64(length[:], uint64(len(b)))
	if err := g.Broadcast(length[:], from); err != nil {
		return nil, err
	}
	if g.Rank() != from {
		b = make([]byte, binary.LittleEndian.Uint64(length[:]))
	}
	return b, g.Broadcast(b, from)
}

// Alike returns an error on all ranks unless all bring the same bytes; what names them.
func Alike(g Group, what string, b []byte) error {
	if g.Size() == 1 {
		return nil
	}
	own := sha256.Sum256(b)
	first := own
	if err := g.Broadcast(first[:], 0); err != nil {
		return err
	}
	differ := make([]float64, g.Size())
	if first != own {
		differ[g.Rank()] = 1
	}
	if err := g.Sum64(differ); err != nil {
		return err
	}
	for rank, d := range differ {
		if d != 0 {
			return Agreed{fmt.Errorf("%s of rank %d differ from those of rank 0", what, rank)}
		}
	}
	return nil
}
