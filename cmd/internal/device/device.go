// Package device opens the device that an experiment names, and says what memory it has.
package device

import (
	"errors"
	"fmt"

	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// Device is where programs run: the CPU, or a GPU that is open or only planned for.
type Device struct {
	CUDA  *ort.CUDA    // nil on the CPU
	Meter *meter.Meter // nil unless a GPU is open
	arena func()       // gives the arena back; nil without one
}

// Open prepares the device of an experiment before the runtime is opened for anything else, and says which
// it is. With auto it decides whether the experiment's programs are for a GPU.
func Open(e *settings.Experiment, p *terminal.Console) (*Device, error) {
	kind, id, err := e.Device.Parse()
	if err != nil || kind == settings.CPU {
		return new(Device), err
	}
	c, err := options(*e, id)
	if err != nil {
		return nil, err
	}
	s := ort.FindDevices(ort.CUDAFolders())
	id = seat(*e, id, len(s.Devices))
	c.Device = id
	c.Notice = func(text string) { p.Warn("%s", text) }
	if err := ort.OpenCUDA(s, c); err != nil {
		if kind != settings.Auto {
			return nil, err
		}
		p.Say("device: CPU (%v)", err)
		if e.Device.Precision != settings.FP32 {
			p.Say("precision: fp32 on the CPU, not %s", e.Device.Precision)
		}
		return new(Device), nil
	}
	e.Device.GPU = true
	p.Say("device: GPU %d, %s, %s, %s", id, s.Devices[id].Name, terminal.GiB(s.Devices[id].Bytes),
		e.Device.Precision)
	m, limited := meter.Open(s.Devices[id])
	if limited != nil {
		p.Say("GPU memory: only the pool is counted (%v)", limited)
	}
	return &Device{CUDA: &c, Meter: m}, nil
}

// seat is the GPU of this rank: with several ranks on a machine each takes one of its own as far as there are any,
// unless the device is numbered.
func seat(e settings.Experiment, id, devices int) int {
	if e.Execution.Seat == 0 || devices == 0 || e.Device.Numbered() {
		return id
	}
	return e.Execution.Seat % devices
}

// Reach opens the device of a run. A dry run goes without a GPU that cannot be used: what the run needs is
// known anyway.
func Reach(e *settings.Experiment, dry bool, p *terminal.Console) (*Device, error) {
	d, err := Open(e, p)
	if err == nil || !dry {
		return d, err
	}
	p.Say("device: a GPU that is not here (%v)", err)
	return Absent(e)
}

// Plan opens the device only where programs are to run on it, or where auto leaves open which it is.
func Plan(e *settings.Experiment, runs bool, p *terminal.Console) (*Device, error) {
	if kind, _, _ := e.Device.Parse(); kind == settings.CUDA && !runs {
		return Absent(e)
	}
	return Open(e, p)
}

// Absent is a GPU that programs are made for, without opening it.
func Absent(e *settings.Experiment) (*Device, error) {
	c, err := options(*e, 0)
	e.Device.GPU = true
	return &Device{CUDA: &c}, err
}

// options are the settings of a GPU, whether it is there or not.
func options(e settings.Experiment, id int) (c ort.CUDA, err error) {
	search := map[string]ort.AlgorithmSearch{"": "", "exhaustive": ort.Exhaustive,
		"heuristic": ort.Heuristic, "default": ort.NoSearch}[e.Execution.CuDNNSearch]
	c = ort.CUDA{Device: id, TF32: e.Device.Precision == settings.TF32, Search: search,
		BFloat16: e.Device.Precision == settings.BF16, Kernels: e.Execution.GPUKernels == settings.OwnKernels,
		Graphs: e.Execution.CUDAGraphs == settings.GraphsOn}
	c.Limit, err = e.Execution.LimitBytes()
	return c, err
}

// OpenArena lets the sessions of a run on the CPU share one pool of memory (ort.NewPool), which hands out the tensors of
// one step in the memory of the last and keeps little more than the steps have in use at once. The allocator of the
// system splits that memory until little fits, so that a search took more than twice the predicted peak. The runtime must be
// open; sessions must be closed before the device. Only one run of a process has a pool.
func (d *Device) OpenArena() error {
	if d.CUDA != nil {
		return nil
	}
	release, err := ort.NewPool()
	if errors.Is(err, ort.ErrInUse) {
		return nil
	}
	d.arena = release
	return err
}

// WithArena runs something with the arena of a run. All its sessions are closed when it ends.
func (d *Device) WithArena(do func() error) error {
	if d.arena != nil {
		return do()
	}
	if err := d.OpenArena(); err != nil {
		return err
	}
	defer d.closeArena()
	return do()
}

// WithoutArena runs something that has its own source of host memory. No session may be open.
func (d *Device) WithoutArena(do func() error) error {
	if d.arena == nil {
		return do()
	}
	d.closeArena()
	return errors.Join(do(), d.OpenArena())
}

func (d *Device) closeArena() {
	if d.arena != nil {
		d.arena()
		d.arena = nil
	}
}

// Close ends the counting of a GPU's memory and gives the arena back.
func (d *Device) Close() {
	d.Meter.Close()
	d.closeArena()
}

// Options returns the session options of an experiment.
func (d *Device) Options(e settings.Experiment) ort.Options {
	return ort.Options{Threads: e.Device.Threads, Dump: e.Execution.Dump, CUDA: d.CUDA, HostPool: d.arena != nil}
}

// Torch is PyTorch's name of the device.
func (d *Device) Torch() string {
	if d.CUDA == nil {
		return settings.CPU
	}
	return fmt.Sprintf("%s:%d", settings.CUDA, d.CUDA.Device)
}

// Available is the memory of the device: on a GPU what is free there and what the pool has taken already,
// up to the limit. It is unknown of a GPU that is planned for and not there.
func (d *Device) Available() memory.Available {
	if d.CUDA == nil {
		return memory.HostMemory()
	}
	a := memory.Available{Kind: "GPU memory", Are: "are free"}
	if d.Meter != nil {
		if s, err := ort.Pool(); err == nil {
			a.Bytes = int(s.Available + s.Held)
		}
	}
	if limit := int(d.CUDA.Limit); limit > 0 && (a.Bytes == 0 || limit < a.Bytes) {
		a.Bytes, a.Are = limit, "are allowed"
	}
	return a
}

// Explain completes the error of a part of a run that ran out of GPU memory: one line with what was
// predicted, what there is, and the batch that fits. It leaves other errors alone.
func (d *Device) Explain(err error, part memory.Demand) error {
	var failed *ort.Error
	if d.Meter == nil || (!errors.As(err, &failed) && !errors.Is(err, ort.ErrGPUMemory)) {
		return err
	}
	if s, unread := ort.Pool(); unread != nil || s.Refused == 0 {
		return err
	}
	peak, unplanned := part.Peak(part.Batch)
	if unplanned != nil {
		return err
	}
	return memory.OutOfMemory(part, peak, d.Available())
}

// Print adds the peaks of a GPU to a result; nil, on the CPU, adds nothing.
func Print(g *meter.Peaks, p *terminal.Console) {
	if g != nil {
		p.Result("%v", *g)
	}
}
