package deploy

import (
	"context"
	"fmt"

	"zos-ort/models/network"
	"zos-ort/search/data"
)

// Guess is a class with its probability.
type Guess struct {
	Label       string  `json:"label"`
	Probability float64 `json:"probability"`
}

// Prediction is what the model says of an image, or why it says nothing.
type Prediction struct {
	Path    string    `json:"path"`
	Classes []Guess   `json:"classes,omitempty"`
	Scores  []float32 `json:"scores,omitempty"` // the model's output, in the order of its labels
	Warning string    `json:"warning,omitempty"`
	Error   string    `json:"error,omitempty"`
}

// Predict names the most likely classes of an image file.
func (m *Model) Predict(ctx context.Context, path string, top int, ignoreOrientation bool) (r Prediction,
	err error) {
	r.Path = path
	var pixels []uint8
	pixels, r.Warning, err = data.DecodeImage(path,
		data.Decoding{Size: m.size, IgnoreOrientation: ignoreOrientation})
	if err != nil {
		return r, err
	}
	if r.Scores, err = m.run(ctx, m.input(pixels)); err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	p := r.Scores
	if m.output != network.ProbabilitiesOutput {
		p = softmax(p, len(m.labels))
	}
	for _, class := range ranking(p)[:min(top, len(p))] {
		r.Classes = append(r.Classes, Guess{m.labels[class], float64(p[class])})
	}
	return r, nil
}

// input are pixels [3,size,size] as the model wants them.
func (m *Model) input(pixels []uint8) []float32 {
	x := make([]float32, len(pixels))
	plane := m.size * m.size
	for i, v := range pixels {
		y := float64(v) / 255
		if m.raw {
			y = (y - float64(m.normal.Mean[i/plane])) / float64(m.normal.Std[i/plane])
		}
		x[i] = float32(y)
	}
	return x
}
