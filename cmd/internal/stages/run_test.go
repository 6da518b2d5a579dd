package stages

import (
	"errors"
	"strings"
	"testing"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
)

// When the real mask is known, the memory of the search is checked again: a search that does not fit ends
// with its mask saved, before a session is opened. Who insists goes on.
func TestMemoryIsCheckedAgain(t *testing.T) {
	if memory.HostMemory().Bytes == 0 {
		t.Skip("this system does not say how much memory is free")
	}
	e := settings.PaperOnCIFAR()
	e.Network = settings.Network{Channels: 256, Cells: 3, Partial: 4}
	e.Images.Size, e.Search.Batch = 256, 4096
	r := &Run{Console: terminal.New(t.Output(), t.Output(), false, false), Device: new(device.Device),
		Dir: rundir.Dir("runs/x")}
	r.Experiment = e
	err := r.oneShot(t.Context(), space.DARTS.FullMask(), new(SearchResult))
	var advised *terminal.Hinted
	if !errors.As(err, &advised) || !strings.Contains(advised.Text, "the search with --batch 4096 needs") ||
		!strings.Contains(advised.Hint, "--mask runs/x/mask.json") {
		t.Errorf("got %v", err)
	}
	r.IgnoreMemory = true
	if err := r.guard(settings.StageSearch, space.DARTS.FullMask()); err != nil {
		t.Error(err)
	}
}
