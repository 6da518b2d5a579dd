package nvml

import (
	"sync"
	"time"

	"zos-ort/models/safe"
)

// Watch looks at a device again and again, and remembers the most that was in use.
type Watch struct {
	device *Device
	mu     sync.Mutex
	last   Usage
	peak   Usage
	quit   chan struct{}
	done   chan error // gets how run ended
}

// Watch looks at the device at once and then at every tick, until Stop is called.
func (d *Device) Watch(every time.Duration) *Watch {
	w := &Watch{device: d, quit: make(chan struct{}), done: make(chan error, 1)}
	w.look()
	go func() { w.done <- safe.Call(func() error { return w.run(every) }) }()
	return w
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

// look keeps what was seen before if the device does not answer.
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

// Last is what was seen at the last tick.
func (w *Watch) Last() Usage {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// Peak looks once more and returns the highest figures since the last call, each for itself.
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
