// Package ranks is what processes that share one piece of work, the ranks, ask of each other. Package ort/mpi asks
// it through MPI; a process alone is its own only rank.
package ranks

// Group are the ranks of a piece of work. Every method but Rank, Size and Abort is a call of all ranks, in the same
// order: it returns when all have made it. An error leaves a rank out of step with the others, so the work has to end.
//
// Sums are of vectors in the memory of the host. Package ort/nccl is a Group that carries them to the GPUs and sums there.
type Group interface {
	Rank() int // from 0
	Size() int
	// Sum32 and Sum64 replace every number by its sum over the ranks, with the same bits on all of them.
	Sum32(v []float32) error
	Sum64(v []float64) error
	// Broadcast gives all ranks the bytes of one of them. All bring as many.
	Broadcast(b []byte, from int) error
	// Abort ends all ranks at once, this one with the exit status. It may not return.
	Abort(status int)
	// Close leaves the group, after which nothing else may be called.
	Close() error
}

// One is a process alone.
type One struct{}

// Rank is 0.
func (One) Rank() int { return 0 }

// Size is 1.
func (One) Size() int { return 1 }

// Sum32 leaves the numbers as they are.
func (One) Sum32([]float32) error { return nil }

// Sum64 leaves the numbers as they are.
func (One) Sum64([]float64) error { return nil }

// Broadcast leaves the bytes as they are.
func (One) Broadcast([]byte, int) error { return nil }

// Abort does nothing: nobody waits.
func (One) Abort(int) {}

// Close does nothing.
func (One) Close() error { return nil }

// Of is the group, or a process alone where there is none.
func Of(g Group) Group {
	if g == nil {
		return One{}
	}
	return g
}

// Leads reports whether this is the rank that writes and speaks.
func Leads(g Group) bool { return Of(g).Rank() == 0 }

// Several is the number of ranks, 0 for a process alone: as files have it.
func Several(g Group) int {
	if n := Of(g).Size(); n > 1 {
		return n
	}
	return 0
}

// Mean32 replaces every number by its mean over the ranks.
func Mean32(g Group, v []float32) error {
	if err := g.Sum32(v); err != nil {
		return err
	}
	scale := 1 / float32(g.Size())
	for i := range v {
		v[i] *= scale
	}
	return nil
}

// Mean64 replaces every number by its mean over the ranks.
func Mean64(g Group, v []float64) error {
	if err := g.Sum64(v); err != nil {
		return err
	}
	for i := range v {
		v[i] /= float64(g.Size())
	}
	return nil
}
