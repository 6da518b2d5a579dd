// Package meter measures programs on ONNX Runtime: their time, their peak memory and, on a GPU, the
// memory of the pool and of the device.
package meter

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"zos-ort/ort"
	"zos-ort/ort/nvml"
)

// Meter counts the GPU memory of a run: the memory pool of its programs and, if the driver reports
// it, the device. A nil *Meter is valid and does nothing: it belongs to a run on the CPU.
type Meter struct {
	watch *nvml.Watch // nil without NVML
	run   Peaks       // the highest so far
}

// tick is the interval at which the device is read while programs run.
const tick = time.Second

// Peaks are peaks in bytes.
type Peaks struct {
	Pool     int64 `json:"pool_peak_bytes"`     // handed out to programs
	Reserved int64 `json:"pool_reserved_bytes"` // taken from the device for the pool
	// Device memory by NVML: used by all processes, and by this process, whose context and
	// libraries need memory besides the pool; 0 if the driver does not report it.
	Device  int64 `json:"device_peak_bytes,omitempty"`
	Process int64 `json:"process_peak_bytes,omitempty"`
}

// Open starts counting on the open device. Close the meter.
func Open(device ort.CUDADevice) (m *Meter, limited error) {
	m = new(Meter)
	d, err := nvml.Open(ort.CUDAFolders(), device.UUID)
	if err != nil {
		return m, err
	}
	m.watch = d.Watch(tick)
	return m, nil
}

// Close stops counting.
func (m *Meter) Close() {
	if m != nil && m.watch != nil {
		m.watch.Stop()
		m.watch = nil
	}
}

// Take returns the peaks since the last call. It returns zero for a device that does not answer:
// the device's next user reports why.
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

// Total returns the peaks of the run so far, for the run's result; nil on the CPU.
func (m *Meter) Total() *Peaks {
	if m == nil {
		return nil
	}
	m.Take()
	return &m.run
}

// Now is the device's part of a progress bar.
func (m *Meter) Now() string {
	if m == nil || m.watch == nil {
		return ""
	}
	u := m.watch.Last()
	return fmt.Sprintf(", GPU %.1f of %.1f GiB", float64(u.Used)/(1<<30), float64(u.Total)/(1<<30))
}

// String describes the peaks for a line about an epoch or a run; it is empty if nothing was
// counted.
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

// After returns the separator and the text of String, or nothing.
func (g Peaks) After(separator string) string {
	if g.Pool == 0 {
		return ""
	}
	return separator + g.String()
}

// Figures lists the fields of Peaks with their columns in metrics.csv.
var Figures = []struct {
	column string
	of     func(*Peaks) *int64
}{
	{"gpu_pool_peak_bytes", func(g *Peaks) *int64 { return &g.Pool }},
	{"gpu_pool_reserved_bytes", func(g *Peaks) *int64 { return &g.Reserved }},
	{"gpu_device_peak_bytes", func(g *Peaks) *int64 { return &g.Device }},
	{"gpu_process_peak_bytes", func(g *Peaks) *int64 { return &g.Process }},
}

// Columns names the metrics.csv columns for a new run: none on the CPU, and none for figures that
// the driver does not report.
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

// Cells returns the peaks for the columns of a file. A cell is empty if a resumed run counts less
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
