// Package mpi is a group of ranks that MPI has started: mpirun of Open MPI or MPICH, srun, an MPIJob of Kubernetes.
// The library is opened at run time, so that a program with this package builds and starts on a machine without it.
package mpi

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"zos-ort/models/ranks"
	"zos-ort/models/safe"
)

// LibraryVariable names a library of MPI in the environment, where its name or the folder is not the usual one.
const LibraryVariable = "ZOS_MPI_LIBRARY"

// most is the number of elements in a call: counts of MPI are 32 bits wide, and some libraries multiply them by the
// size of an element.
const most = 1 << 27

// Group is the world of MPI.
type Group struct {
	Library    string // what the library says of itself
	rank, size int
	calls      chan func() error
	done       chan error
}

var _ ranks.Group = (*Group)(nil)

// Open joins the other processes that the launcher has started, and waits for them. One process opens one Group in
// its life.
func Open(l Launch) (*Group, error) {
	path, err := load(l)
	if err != nil {
		return nil, err
	}
	g := &Group{Library: version(), calls: make(chan func() error), done: make(chan error)}
	go g.serve()
	err = g.call(func() (err error) {
		if err = initialise(); err == nil {
			g.rank, g.size, err = rankAndSize()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if l.known && l.Size > 0 && l.Size != g.size {
		return nil, fmt.Errorf("%s has started %d processes, but %s (%s) knows of %d: the library belongs to another MPI; "+
			"%s=FILE names the right one", l.By, l.Size, path, g.Library, g.size, LibraryVariable)
	}
	return g, nil
}

// load opens the first library that is there.
func load(l Launch) (path string, err error) {
	names := l.libraries()
	if own := os.Getenv(LibraryVariable); own != "" {
		names = []string{own}
	}
	var failed []error
	for _, name := range names {
		if err := loadLibrary(name); err == nil {
			return name, nil
		} else if !strings.Contains(err.Error(), name) {
			failed = append(failed, fmt.Errorf("%s: %w", name, err))
		} else {
			failed = append(failed, err)
		}
	}
	return "", fmt.Errorf("no library of MPI can be opened: %w", errors.Join(failed...))
}

// serve makes the calls of MPI, all on one thread: MPI_THREAD_FUNNELED is what every library can do, and Go moves
// goroutines between threads.
func (g *Group) serve() {
	runtime.LockOSThread()
	for f := range g.calls {
		g.done <- safe.Call(f)
	}
}

func (g *Group) call(f func() error) error {
	g.calls <- f
	return <-g.done
}

// Rank is the number of this process.
func (g *Group) Rank() int { return g.rank }

// Size is the number of processes.
func (g *Group) Size() int { return g.size }

// Sum32 replaces every number by its sum over the ranks.
func (g *Group) Sum32(v []float32) error { return inParts(g, v, sum32) }

// Sum64 replaces every number by its sum over the ranks.
func (g *Group) Sum64(v []float64) error { return inParts(g, v, sum64) }

// Broadcast gives all ranks the bytes of one of them.
func (g *Group) Broadcast(b []byte, from int) error {
	return inParts(g, b, func(part []byte) error { return broadcast(part, from) })
}

// inParts calls f for parts that the library can count.
func inParts[T any](g *Group, v []T, f func([]T) error) error {
	for len(v) > 0 {
		n := min(len(v), most)
		if err := g.call(func() error { return f(v[:n]) }); err != nil {
			return err
		}
		v = v[n:]
	}
	return nil
}

// Abort ends all ranks, whatever they do. It does not return.
func (g *Group) Abort(status int) {
	_ = g.call(func() error { abort(status); return nil })
}

// Close finalises MPI.
func (g *Group) Close() error {
	defer close(g.calls)
	return g.call(finalise)
}
