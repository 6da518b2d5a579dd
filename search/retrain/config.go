// Package retrain trains the network that a genotype describes from scratch (search/README.md, Retraining), as the last
// stage of a search.
package retrain

import (
	"fmt"
	"math"

	"zos-ort/graphgen"
	"zos-ort/graphgen/pass"
	"zos-ort/models/network"
	"zos-ort/models/ranks"
	"zos-ort/ort"
	"zos-ort/search/data"
)

// Config are the settings of a training.
type Config struct {
	Net       network.Config // classes, auxiliary head included
	Batch     int            // of a rank
	Epochs    int
	Rate      float64 // learning rate at the start; cosine to 0
	DropPath  float64 // probability p at the end; p e/E in epoch e
	Auxiliary float64 // weight of the auxiliary loss
	Augment   data.Augment
	Seed      uint64
	Options   ort.Options
	Lowering  pass.Lowering // for which runtime the programs are made
	Ranks     ranks.Group   // that train together, see search.Config; nil is a process alone
}

// Paper are the settings of the paper's code; genotype and classes are left open.
func Paper() Config {
	return Config{Net: network.Config{Channels: 36, Cells: 20, Auxiliary: true, DropPath: true},
		Batch: 128, Epochs: 600, Rate: .025, DropPath: .3, Auxiliary: network.AuxiliaryWeight,
		Augment: data.Augment{Pad: 4, Flip: true, Cutout: 16}}
}

// Validate checks the settings.
func (c Config) Validate() error {
	switch {
	case c.Epochs < 1:
		return fmt.Errorf("retrain: needs at least one epoch, got %d", c.Epochs)
	case c.Batch < 2:
		return fmt.Errorf("retrain: batch norm needs a batch of at least 2, got %d", c.Batch)
	case !(c.Rate > 0) || math.IsInf(c.Rate, 0):
		return fmt.Errorf("retrain: the learning rate must be positive, got %v", c.Rate)
	case !(c.DropPath >= 0 && c.DropPath < 1):
		return fmt.Errorf("retrain: drop-path is a probability below 1, got %v", c.DropPath)
	}
	return c.Net.Validate()
}

// Spec describes the programs for images of the given side.
func (c Config) Spec(image int) graphgen.Spec {
	s := c.Net.WithDropPath(c.DropPath).Spec(c.Batch, image, c.Lowering)
	s.AuxiliaryWeight = c.Auxiliary
	return s
}
