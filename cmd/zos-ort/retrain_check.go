package main

import (
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/network"
)

// check refuses, once the images are known, what no training could do.
func (s retrainSettings) check() error {
	if err := s.deviceSettings.check(); err != nil {
		return err
	}
	cfg := s.config()
	if err := cfg.Validate(); err != nil {
		return terminal.Usage(err)
	}
	if err := cfg.Augment.Check(s.ImageSize); err != nil {
		return terminal.Usage(err)
	}
	if s.Batch > s.TrainImages {
		return terminal.Usagef("a batch of %d needs as many training images, there are %d", s.Batch, s.TrainImages)
	}
	if s.Auxiliary && s.ImageSize < network.AuxiliaryImage {
		return terminal.Usagef("the auxiliary head needs images of at least %[1]dx%[1]d, these are %[2]dx%[2]d: "+
			"give --image-size %[1]d or --auxiliary=false", network.AuxiliaryImage, s.ImageSize)
	}
	return nil
}
