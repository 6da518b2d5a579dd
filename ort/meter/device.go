// Package meter measures programs on ONNX Runtime: their time, their peak memory and, on a GPU, that of
// the pool and of the device.
package meter

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"zos-ort/ort"
	"zos-ort/ort/nvml"
)

// Meter counts what a run takes of a GPU: the memory pool of its programs and, where the driver says,
// the device. A nil *Meter is valid and does nothing: it is the one of a run on the CPU.
type Meter struct {
	watch *nvml.Watch // nil without NVML
	run   Peaks       // the highest so far
}

// tick is how often the device is looked at while programs run.
const tick = time.Second

// Peaks are peaks in bytes.
type Peaks struct {
	Pool     int64 `json:"pool_peak_bytes"`     // handed out to programs
	Reserved int64 `json:"pool_reserved_bytes"` // taken from the device for it
	// Of the device, by NVML: in use by all processes and by this one, whose context and libraries need
	// memory besides the pool; 0 where the driver does not say.
	Device  int64 `json:"device_peak_bytes,omitempty"`
	Process int64 `json:"process_peak_bytes,omitempty"`
}

// Open starts to count on the open device; close it.
func Open(device ort.CUDADevice) (m *Meter, limited error) {
	m = new(Meter)
	d, err := nvml.Open(ort.CUDAFolders(), device.UUID)
	if err != nil {
		return m, err
	}
	m.watch = d.Watch(tick)
	return m, nil
}

// Close ends the counting.
func (m *Meter) Close() {
	if m != nil && m.watch != nil {
		m.watch.Stop()
		m.watch = nil
	}
}

// Take returns the peaks since the last call, zero for a device that does not answer: its next user
// reports why.
func (m *Meter) Take() (g Peaks) {
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
	for _, f := range Figures {
		*f.of(&m.run) = max(*f.of(&m.run), *f.of(&g))
	}
	return g
}

// Total are the peaks of the run up to now, for its result; nil on the CPU.
func (m *Meter) Total() *Peaks {
	if m == nil {
		return nil
	}
	m.Take()
	return &m.run
}

// Now is what a progress bar says of the device.
func (m *Meter) Now() string {
	if m == nil || m.watch == nil {
		return ""
	}
	u := m.watch.Last()
	return fmt.Sprintf(", GPU %.1f of %.1f GiB", float64(u.Used)/(1<<30), float64(u.Total)/(1<<30))
}

// String is for a line about an epoch or a run; empty if nothing was counted.
func (g Peaks) String() string {
	if g.Pool == 0 {
		return ""
	}
	text := fmt.Sprintf("GPU memory %.1f MB, %.1f MB reserved", float64(g.Pool)/1e6, float64(g.Reserved)/1e6)
	if g.Device > 0 {
		text += fmt.Sprintf(", %.1f MB of the device", float64(g.Device)/1e6)
	}
	return text
}

// After is the text behind a separator, or nothing.
func (g Peaks) After(separator string) string {
	if g.Pool == 0 {
		return ""
	}
	return separator + g.String()
}

// Figures lists the fields of Peaks with their columns of metrics.csv.
var Figures = []struct {
	column string
	of     func(*Peaks) *int64
}{
	{"gpu_pool_peak_bytes", func(g *Peaks) *int64 { return &g.Pool }},
	{"gpu_pool_reserved_bytes", func(g *Peaks) *int64 { return &g.Reserved }},
	{"gpu_device_peak_bytes", func(g *Peaks) *int64 { return &g.Device }},
	{"gpu_process_peak_bytes", func(g *Peaks) *int64 { return &g.Process }},
}

// Columns names the columns of metrics.csv for a new run: none on the CPU, and none for what the driver
// does not report.
func (m *Meter) Columns() (names []string) {
	if m == nil {
		return nil
	}
	var seen nvml.Usage
	if m.watch != nil {
		seen = m.watch.Last()
	}
	there := Peaks{Pool: 1, Reserved: 1, Device: seen.Used, Process: seen.Process}
	for _, f := range Figures {
		if *f.of(&there) > 0 {
			names = append(names, f.column)
		}
	}
	return names
}

// Cells returns the peaks in the columns that a file has. They are empty where a resumed run counts less
// than the file has columns for, as on the CPU.
func (g Peaks) Cells(header []string) (cells []string) {
	for _, f := range Figures {
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
