package nvml

import (
	"sync"
	"time"

	"zos-ort/models/safe"
)

// Watch reads a device repeatedly and remembers the peaks.
type Watch struct {
	device *Device
	mu     sync.Mutex
	last   Usage
	peak   Usage
	quit   chan struct{}
	done   chan error // gets how run ended
}

// Watch reads the device immediately and then at every tick, until Stop is called.
func (d *Device) Watch(every time.Duration) *Watch {
	w := newWatch(d)
	w.look()
	w.start(every)
	return w
}

func newWatch(d *Device) *Watch {
	return &Watch{device: d, quit: make(chan struct{}), done: make(chan error, 1)}
}

// start looks at every tick.
func (w *Watch) start(every time.Duration) {
	go func() { w.done <- safe.Call(func() error { return w.run(every) }) }()
}

func (w *Watch) run(every time.Duration) error {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		select {
		case <-w.quit:
			return nil
		case <-ticks.C:
			w.look()
		}
	}
}

// look keeps earlier figures if the device does not answer.
func (w *Watch) look() {
	u, err := w.device.Usage()
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = u
	w.peak.Total, w.peak.Used = u.Total, max(w.peak.Used, u.Used)
	w.peak.Process, w.peak.Busy = max(w.peak.Process, u.Process), max(w.peak.Busy, u.Busy)
}

// Last returns the figures of the last tick.
func (w *Watch) Last() Usage {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// Peak reads once more and returns the highest value of each figure since the last call.
func (w *Watch) Peak() Usage {
	w.look()
	w.mu.Lock()
	defer w.mu.Unlock()
	peak := w.peak
	w.peak = Usage{}
	return peak
}

// Stop ends the watch; call it once. It passes on a panic of the watch's goroutine, as a *safe.Panic
// that carries the stack.
func (w *Watch) Stop() {
	close(w.quit)
	if err := <-w.done; err != nil {
		panic(err)
	}
}
