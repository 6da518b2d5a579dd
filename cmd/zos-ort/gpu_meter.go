package main

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"zos-ort/ort"
	"zos-ort/ort/nvml"
)

// gpuMeter counts what a run takes of a GPU: the memory pool of its programs and, where the driver says,
// the device. The nil meter is that of a run on the CPU: it counts nothing and has nothing to say.
type gpuMeter struct {
	watch *nvml.Watch // nil without NVML
	run   gpuMemory   // the highest figures so far
}

// gpuTick is how often the device is looked at while programs run.
const gpuTick = time.Second

// gpuMemory are peaks in bytes.
type gpuMemory struct {
	Pool     int64 `json:"pool_peak_bytes"`     // handed out to programs
	Reserved int64 `json:"pool_reserved_bytes"` // taken from the device for it
	// Of the device, by NVML: in use by all processes and by this one, whose context and libraries need
	// memory besides the pool; 0 where the driver does not say.
	Device  int64 `json:"device_peak_bytes,omitempty"`
	Process int64 `json:"process_peak_bytes,omitempty"`
}

// newGPUMeter starts to count on the open device; close it.
func newGPUMeter(device ort.CUDADevice) (m *gpuMeter, limited error) {
	m = new(gpuMeter)
	d, err := nvml.Open(ort.CUDAFolders(), device.UUID)
	if err != nil {
		return m, err
	}
	m.watch = d.Watch(gpuTick)
	return m, nil
}

func (m *gpuMeter) close() {
	if m != nil && m.watch != nil {
		m.watch.Stop()
		m.watch = nil
	}
}

// take returns the peaks since the last call. A device that does not answer has none: what uses it next
// says why.
func (m *gpuMeter) take() (g gpuMemory) {
	if m == nil {
		return g
	}
	if s, err := ort.Pool(); err == nil && ort.ResetPool() == nil {
		g.Pool, g.Reserved = s.Peak, s.Reserved
	}
	if m.watch != nil {
		peak := m.watch.Peak()
		g.Device, g.Process = peak.Used, peak.Process
	}
	for _, f := range gpuFigures {
		*f.of(&m.run) = max(*f.of(&m.run), *f.of(&g))
	}
	return g
}

// total are the peaks of the run up to now, for its result; nil on the CPU.
func (m *gpuMeter) total() *gpuMemory {
	if m == nil {
		return nil
	}
	m.take()
	return &m.run
}

// now is what a progress bar says of the device.
func (m *gpuMeter) now() string {
	if m == nil || m.watch == nil {
		return ""
	}
	u := m.watch.Last()
	return fmt.Sprintf(", GPU %.1f of %.1f GiB", float64(u.Used)/(1<<30), float64(u.Total)/(1<<30))
}

// String is for a line about an epoch or a run; empty if nothing was counted.
func (g gpuMemory) String() string {
	if g.Pool == 0 {
		return ""
	}
	text := fmt.Sprintf("GPU memory %.1f MB, %.1f MB reserved", float64(g.Pool)/1e6, float64(g.Reserved)/1e6)
	if g.Device > 0 {
		text += fmt.Sprintf(", %.1f MB of the device", float64(g.Device)/1e6)
	}
	return text
}

// after is the text behind a separator, or nothing.
func (g gpuMemory) after(separator string) string {
	if g.Pool == 0 {
		return ""
	}
	return separator + g.String()
}

// gpuFigures are the figures with their columns of metrics.csv.
var gpuFigures = []struct {
	column string
	of     func(*gpuMemory) *int64
}{
	{"gpu_pool_peak_bytes", func(g *gpuMemory) *int64 { return &g.Pool }},
	{"gpu_pool_reserved_bytes", func(g *gpuMemory) *int64 { return &g.Reserved }},
	{"gpu_device_peak_bytes", func(g *gpuMemory) *int64 { return &g.Device }},
	{"gpu_process_peak_bytes", func(g *gpuMemory) *int64 { return &g.Process }},
}

// columns are those of a run that begins: none on the CPU, none of what the driver does not say.
func (m *gpuMeter) columns() (names []string) {
	if m == nil {
		return nil
	}
	var seen nvml.Usage
	if m.watch != nil {
		seen = m.watch.Last()
	}
	there := gpuMemory{Pool: 1, Reserved: 1, Device: seen.Used, Process: seen.Process}
	for _, f := range gpuFigures {
		if *f.of(&there) > 0 {
			names = append(names, f.column)
		}
	}
	return names
}

// cells are the figures for the columns that a file has. A run that goes on may count less than when it
// began, or on the CPU nothing: then they are empty.
func (g gpuMemory) cells(header []string) (cells []string) {
	for _, f := range gpuFigures {
		if !slices.Contains(header, f.column) {
			continue
		}
		text := ""
		if v := *f.of(&g); v > 0 {
			text = strconv.FormatInt(v, 10)
		}
		cells = append(cells, text)
	}
	return cells
}
