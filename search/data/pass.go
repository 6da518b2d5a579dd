package data

import (
	"cmp"
	"context"
	"time"

	"zos-ort/models/safe"
	"zos-ort/models/stream"
)

const endless = -1

// Pass is one epoch's sequence of batches, or an endless one.
type Pass struct {
	loader *Loader
	epoch  int
	steps  int // endless for no end
	given  int // batches that Next has given
	ctx    context.Context
	cancel context.CancelFunc
	free   chan *Batch
	ready  chan *Batch // closed by the producer when it ends
	failed error       // of the producer; it may be read once ready is closed
	held   *Batch      // what the consumer has
	err    error       // what the consumer has seen of failed
}

// start ends the pass before, if any, and sets the producer on a new one.
func (l *Loader) start(epoch, steps int) *Pass {
	l.stop()
	// Both channels have room for all batches, so a send never blocks.
	p := &Pass{loader: l, epoch: epoch, steps: steps,
		free: make(chan *Batch, len(l.batches)), ready: make(chan *Batch, len(l.batches))}
	p.ctx, p.cancel = context.WithCancel(l.ctx)
	for _, b := range l.batches {
		p.free <- b
	}
	l.current = p
	go p.produce()
	return p
}

// stop ends the producer and returns when it touches nothing any more.
func (p *Pass) stop() {
	p.cancel()
	for range p.ready {
	}
}

// Next gives the next batch, and takes the one that it gave before back. It is false at the end of
// the epoch, and when the loader was closed or its context cancelled: Err tells which.
func (p *Pass) Next() (*Batch, bool) {
	if p.held != nil {
		p.free <- p.held
		p.held = nil
	}
	if p.given == p.steps || p.ctx.Err() != nil {
		return nil, false
	}
	select {
	case p.held = <-p.ready:
	default:
		start := time.Now()
		p.held = <-p.ready
		p.loader.waited.Add(int64(time.Since(start)))
	}
	if p.held == nil { // closed: the producer was cancelled or has panicked
		p.err = p.failed
		return nil, false
	}
	p.given++
	return p.held, true
}

// Err is nil during a pass and after its end. When it was cut short, Err is the context's
// error, or the panic of the goroutine that fills the batches.
func (p *Pass) Err() error {
	if p.given == p.steps {
		return nil
	}
	return cmp.Or(p.err, p.ctx.Err())
}

// produce fills batches as they become free.
func (p *Pass) produce() {
	defer close(p.ready)
	p.failed = safe.Call(p.fill)
}

// fill fills batches until all are given or the pass is stopped.
func (p *Pass) fill() error {
	f := filler{l: p.loader, g: newGenerator(), epoch: p.epoch, round: -1, endless: p.steps == endless}
	for step := 0; step != p.steps; step++ {
		select {
		case b := <-p.free:
			f.fill(b, step)
			p.ready <- b
		case <-p.ctx.Done():
			return nil
		}
	}
	return nil
}

// filler computes batches. The images of an epoch are in one order; an endless pass goes through
// rounds, each in an order of its own.
type filler struct {
	l       *Loader
	g       *generator
	epoch   int
	round   int // whose order is in l.order; -1 for none yet
	endless bool
}

// fill computes the batch number step.
func (f *filler) fill(b *Batch, step int) {
	cfg, n := &f.l.cfg, len(f.l.indices)
	first := (step*cfg.Parts + cfg.Part) * cfg.Batch
	size, left := cfg.Batch, max(0, n-first)
	if f.endless {
		left = size
	}
	if cfg.Tail == TailShort {
		size = min(size, left)
	}
	pixels := cfg.Set.Pixels()
	b.Count = min(size, left)
	b.Images, b.Labels, b.Source = b.images[:size*pixels], b.labels[:size], b.source[:size]
	for k := range size {
		round, at := 0, (first+k)%n // past the end of an epoch only where a batch is padded
		if f.endless {
			round = (first + k) / n
		}
		f.arrange(round)
		i := f.l.order[at]
		b.Source[k], b.Labels[k] = i, int64(cfg.Set.Labels[i])
		f.g.at(cfg.Seed, stream.Augment, f.key(), uint64(i))
		cfg.Augment.apply(b.Images[k*pixels:(k+1)*pixels], cfg.Set.Image(i), cfg.Set.Size, f.l.table, f.g)
	}
}

// arrange puts the order of a round in place.
func (f *filler) arrange(round int) {
	if f.round == round {
		return
	}
	f.round = round
	order := f.l.order
	copy(order, f.l.indices)
	if f.l.cfg.Shuffle {
		f.g.at(f.l.cfg.Seed, stream.Order, f.key(), 0)
		for i := len(order) - 1; i > 0; i-- { // Fisher-Yates; rand.Shuffle's closure would be garbage
			j := f.g.IntN(i + 1)
			order[i], order[j] = order[j], order[i]
		}
	}
}

// key names the epoch and the round in one number.
func (f *filler) key() uint64 { return uint64(f.epoch)<<32 | uint64(uint32(f.round)) }
