package settings

import (
	"zos-ort/cmd/internal/terminal"
	"zos-ort/search/data"
)

// Images says which images a run reads and, once they are read, what they are.
type Images struct {
	Folder      string `json:"data"` // empty for the built-in images
	Name        string `json:"data_name"`
	Fingerprint string `json:"data_fingerprint"`
	// TestFingerprint is that of the test images of a retraining; a search has none.
	TestFingerprint string `json:"test_fingerprint,omitempty"`
	OnBad           string `json:"on_bad_image"`
	// IgnoreOrientation leaves images as their files have them, however the camera was held.
	IgnoreOrientation bool `json:"ignore_orientation,omitempty"`
	Train             int  `json:"train_images"`
	// HoldOut makes a retraining train on one half of the training images and test on the other, so that the test images
	// are not read.
	HoldOut bool `json:"hold_out,omitempty"`
	Size    int  `json:"image_size"`
	Classes int  `json:"classes"`
	// Labels are the names of the classes. Mean and Std normalise a channel of a pixel p on a scale of 0
	// to 1 to (p - mean) / std.
	Labels []string               `json:"labels"`
	Mean   [data.Channels]float32 `json:"mean"`
	Std    [data.Channels]float32 `json:"std"`
}

// Values of --on-bad-image.
const (
	BadFails   = "fail"
	BadSkipped = "skip"
)

// QuickImages are the generated images of the preset quick.
func QuickImages() Images { return Images{Train: 2000, Size: 16} }

// Complete fills in what flags leave open. The size of a preset applies to generated images: those of a
// folder that has not been read keep their own unless a flag gives it.
func (s *Images) Complete(sizeGiven bool) {
	if s.OnBad == "" {
		s.OnBad = BadFails
	}
	if s.Folder != "" && s.Name == "" && !sizeGiven {
		s.Size = 0
	}
}

// Trained is how many images a retraining trains on.
func (s Images) Trained() int {
	if s.HoldOut {
		return s.Train / 2
	}
	return s.Train
}

// Check refuses values that no images have.
func (s Images) Check() error {
	switch {
	case s.Train < 0:
		return terminal.Usagef("--train-images must be positive, got %d", s.Train)
	case s.Size%4 != 0 || s.Size < 0:
		return terminal.Usagef("--image-size must be a multiple of 4, got %d", s.Size)
	case s.OnBad != BadFails && s.OnBad != BadSkipped:
		return terminal.Usagef("--on-bad-image is fail or skip, got %q", s.OnBad)
	}
	return nil
}
