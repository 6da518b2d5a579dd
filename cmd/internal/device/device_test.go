package device

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// On the CPU a run says nothing of a GPU: no columns, no figures, no text.
func TestMeterOfCPU(t *testing.T) {
	var m *meter.Meter
	m.Close()
	if g := m.Take(); len(m.Columns()) > 0 || m.Total() != nil || g.String() != "" || g.After("; ") != "" ||
		m.Now() != "" || len(g.Cells([]string{"epoch", "gpu_pool_peak_bytes_of_nothing"})) > 0 || m.Total().Columns() != nil {
		t.Errorf("the CPU has figures of a GPU: %v %v", m.Columns(), g)
	}
	var out bytes.Buffer
	if Print(m.Total(), terminal.New(&out, &out, false, false)); out.Len() > 0 {
		t.Errorf("the CPU prints %q", out.String())
	}
}

// A row has as many cells as its header, whatever a run that goes on can count.
func TestCellsOfGPU(t *testing.T) {
	all := []string{"epoch", "gpu_pool_peak_bytes", "gpu_pool_reserved_bytes", "gpu_device_peak_bytes",
		"gpu_process_peak_bytes"}
	g := meter.Peaks{Pool: 1, Reserved: 2, Device: 3}
	for _, c := range []struct {
		name         string
		g            meter.Peaks
		header, want []string
	}{
		{"as it began", g, all[:4], []string{"1", "2", "3"}},
		{"no more figures than columns", g, all[:3], []string{"1", "2"}},
		{"fewer figures", g, all, []string{"1", "2", "3", ""}},
		{"began on the CPU", g, all[:1], nil},
		{"goes on on the CPU", meter.Peaks{}, all[:3], []string{"", ""}},
	} {
		if got := c.g.Cells(c.header); !slices.Equal(got, c.want) {
			t.Errorf("%s: cells %q, want %q", c.name, got, c.want)
		}
	}
	if got := new(meter.Meter).Columns(); !slices.Equal(got, all[1:3]) {
		t.Errorf("without NVML the columns are %v", got)
	}
}

// What the user reads when the card is too small, and after other errors.
func TestOutOfMemory(t *testing.T) {
	linear := memory.Demand{What: "the search", Flag: "--batch", Batch: 10, Peak: func(batch int) (int, error) { return 1000 + 100*batch, nil }}
	for _, c := range []struct {
		free int
		want string
	}{
		{1550, "needs 2000 bytes (0.0 GiB), as predicted, and 1550 bytes (0.0 GiB) are free; --batch 5 fits"},
		{1150, "1150 bytes (0.0 GiB) are free; no batch fits"},
		{2000, "besides the scratch memory of convolutions, and 2000 bytes (0.0 GiB) are free: try --batch 5"},
	} {
		err := memory.OutOfMemory(linear, 2000, memory.Available{Bytes: c.free, Kind: "GPU memory", Are: "are free"})
		if !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("with %d bytes: %q does not end with %q", c.free, err, c.want)
		}
	}
	for _, err := range []error{nil, errors.New("broken"), &ort.Error{Op: "step"}} {
		if got := new(Device).Explain(err, linear); got != err {
			t.Errorf("on the CPU %v becomes %v", err, got)
		}
	}
}
