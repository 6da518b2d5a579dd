package data

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Tail says what becomes of the last images of an epoch when they do not fill a batch.
type Tail int

const (
	TailShort Tail = iota // a last batch of fewer images
	TailDrop              // no such batch
	TailPad               // a full batch, filled up with images from the epoch's beginning
)

// LoaderConfig says which batches a Loader makes.
type LoaderConfig struct {
	Set      *Set
	Indices  []int // the images to use, by their index in Set; nil for all
	Batch    int   // images per batch
	Seed     uint64
	Augment  Augment
	Shuffle  bool // a new order every epoch; otherwise the order of Indices
	Tail     Tail
	Prefetch int // batches prepared ahead of the consumer; 0 means 2
	// Part of Parts consumers gets its part of every batch, which is Parts times as large; 0 Parts are one.
	Part, Parts int
}

// Batch is what one step consumes. The loader owns it: it is valid until the next call of Next,
// Epoch, Endless or Close.
type Batch struct {
	Images []float32 // [batch, 3, Size, Size], normalised
	Labels []int64   // [batch]
	Source []int     // [batch], the index in the set of each image
	// Count is the number of valid images; the rest is padding. It is below len(Labels) only in the last batch
	// under TailPad, where the images from Count on are repetitions.
	// With several parts it may be 0.
	Count int

	images []float32 // the whole buffer of which Images is a part, and so on
	labels []int64
	source []int
}

// Loader prepares batches in a goroutine of its own while the consumer computes. What a batch
// contains depends on the configuration, the epoch and its number in the epoch, and on
// nothing else: a run that resumes at an epoch gets the same bits. Its methods are for one
// goroutine; only Waited may be called from any.
type Loader struct {
	cfg     LoaderConfig
	indices []int
	table   *normalisation
	ctx     context.Context
	cancel  context.CancelFunc
	batches []*Batch // Prefetch, and one that the consumer holds
	order   []int    // the order of the current pass; belongs to the producer
	current *Pass
	waited  atomic.Int64 // nanoseconds
}

// NewLoader checks the configuration and allocates the batches. Cancelling ctx ends the current
// pass early; Close has to be called in any case.
func NewLoader(ctx context.Context, cfg LoaderConfig) (*Loader, error) {
	if cfg.Prefetch == 0 {
		cfg.Prefetch = 2
	}
	if cfg.Parts == 0 {
		cfg.Parts = 1
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	l := &Loader{cfg: cfg, indices: cfg.Indices, table: newNormalisation(cfg.Set)}
	if l.indices == nil {
		l.indices = make([]int, cfg.Set.Len())
		for i := range l.indices {
			l.indices[i] = i
		}
	}
	if len(l.indices) == 0 {
		return nil, fmt.Errorf("data: loader: no images of %s to load", cfg.Set.Name)
	}
	if cfg.Tail == TailDrop && len(l.indices) < cfg.whole() {
		return nil, fmt.Errorf("data: loader: %d images of %s make no full batch of %d",
			len(l.indices), cfg.Set.Name, cfg.whole())
	}
	l.ctx, l.cancel = context.WithCancel(ctx)
	l.order = make([]int, len(l.indices))
	for range cfg.Prefetch + 1 {
		l.batches = append(l.batches, newBatch(cfg.Batch, cfg.Set.Pixels()))
	}
	return l, nil
}

func newBatch(n, pixels int) *Batch {
	return &Batch{images: make([]float32, n*pixels), labels: make([]int64, n), source: make([]int, n)}
}

func (cfg *LoaderConfig) check() error {
	switch {
	case cfg.Set == nil:
		return fmt.Errorf("data: loader: no set")
	case cfg.Batch < 1:
		return fmt.Errorf("data: loader: batch is %d, want at least 1", cfg.Batch)
	case cfg.Prefetch < 1:
		return fmt.Errorf("data: loader: prefetch is %d, want at least 1", cfg.Prefetch)
	case cfg.Part < 0 || cfg.Part >= cfg.Parts:
		return fmt.Errorf("data: loader: part is %d, want 0..%d", cfg.Part, cfg.Parts-1)
	case cfg.Parts > 1 && cfg.Tail == TailShort:
		return fmt.Errorf("data: loader: %d parts of a short batch would be of different sizes", cfg.Parts)
	case cfg.Tail < TailShort || cfg.Tail > TailPad:
		return fmt.Errorf("data: loader: tail is %d, want %d..%d", cfg.Tail, TailShort, TailPad)
	}
	if err := cfg.Set.Check(); err != nil {
		return err
	}
	if err := cfg.Augment.Check(cfg.Set.Size); err != nil {
		return err
	}
	return checkIndices(cfg.Indices, cfg.Set)
}

// whole is the number of images in a batch of all parts.
func (cfg *LoaderConfig) whole() int { return cfg.Batch * cfg.Parts }

// Steps is the number of batches in an epoch.
func (l *Loader) Steps() int {
	whole := l.cfg.whole()
	if l.cfg.Tail == TailDrop {
		return len(l.indices) / whole
	}
	return (len(l.indices) + whole - 1) / whole
}

// Epoch starts the pass over all images that belongs to the epoch, and ends the pass before it.
func (l *Loader) Epoch(epoch int) *Pass { return l.start(epoch, l.Steps()) }

// Endless starts a stream of full batches without end, for the side of the bilevel search that is
// drawn from as often as the other side needs. When all images are used up it continues with
// a new order (and new augmentation), in the middle of a batch if need be. It too is determined by
// the epoch: a search asks for a new stream each epoch and can resume at any.
func (l *Loader) Endless(epoch int) *Pass { return l.start(epoch, endless) }

// Waited is the time that Next has blocked in all, because a batch was not ready.
func (l *Loader) Waited() time.Duration { return time.Duration(l.waited.Load()) }

// Close stops the goroutine and waits for it. A pass that is not finished ends.
func (l *Loader) Close() {
	l.cancel()
	l.stop()
}

func (l *Loader) stop() {
	if l.current != nil {
		l.current.stop()
		l.current = nil
	}
}
