// Package costs says what derived networks cost: counted from their space, or as a table of latencies that was measured
// on some machine. It knows nothing of the runtime.
package costs

import (
	"fmt"
	"slices"
	"strings"

	"zos-ort/models/network"
	"zos-ort/models/space"
)

// Setting is a network of a space, and how it is run.
type Setting struct {
	Space     space.Ref `json:"space"`
	Channels  int       `json:"channels"`
	Cells     int       `json:"cells"`
	Image     int       `json:"image_size"`
	Classes   int       `json:"classes"`
	Batch     int       `json:"batch"`
	Threads   int       `json:"threads"`
	Precision string    `json:"precision"`
}

// Precisions in which networks are measured.
const (
	FP32 = "fp32"
	INT8 = "int8"
)

// Precisions lists them.
var Precisions = []string{FP32, INT8}

// Largest values, as for the flags of the same names.
const (
	mostCells   = 256
	mostNumbers = 1 << 12
	mostClasses = 1 << 20
)

// Size is that of the network.
func (s Setting) Size() space.Size { return space.Size{Channels: s.Channels, Cells: s.Cells} }

// Net is the network of a genotype.
func (s Setting) Net(g space.Genotype) network.Config {
	return network.Config{Genotype: g, Channels: s.Channels, Cells: s.Cells, Classes: s.Classes}
}

// Check refuses what no network has, or no machine runs.
func (s Setting) Check() error {
	for _, x := range []struct {
		name       string
		value, max int
	}{{"channels", s.Channels, mostNumbers}, {"cells", s.Cells, mostCells}, {"image size", s.Image, mostNumbers},
		{"classes", s.Classes, mostClasses}, {"batch", s.Batch, mostNumbers}, {"threads", s.Threads, mostNumbers}} {
		if x.value < 1 || x.value > x.max {
			return fmt.Errorf("%s must lie between 1 and %d, got %d", x.name, x.max, x.value)
		}
	}
	if !slices.Contains(Precisions, s.Precision) {
		return fmt.Errorf("unknown precision %q: use %s", s.Precision, strings.Join(Precisions, " or "))
	}
	if err := s.Net(s.Space.Of().Heaviest()).Validate(); err != nil {
		return err
	}
	halvings := len(s.Space.Of().Reductions(s.Cells))
	if least := 1 << halvings; s.Image%least != 0 {
		return fmt.Errorf("image size %d: the network halves images %d times, so it must be a multiple of %d", s.Image,
			halvings, least)
	}
	return nil
}

// String names the networks.
func (s Setting) String() string {
	return fmt.Sprintf("%s, %d cells of %d channels, images of %dx%d", s.Space, s.Cells, s.Channels, s.Image, s.Image)
}
