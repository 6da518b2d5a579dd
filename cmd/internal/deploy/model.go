package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"

	"zos-ort/graphgen/onnx"
	"zos-ort/models/network"
	"zos-ort/ort"
	"zos-ort/search/data"
)

// Metadata of a deployed model, on top of what searches write.
const (
	labelsKey        = "zos.labels"        // JSON list
	inputKey         = "zos.input"         // one of the two below
	normalizationKey = "zos.normalization" // JSON: mean and std by channel
	unitInput        = "RGB in [0,1]"
	normalizedInput  = "RGB, normalized"
)

// normalization is the value of normalizationKey.
type normalization struct {
	Mean [data.Channels]float32 `json:"mean"`
	Std  [data.Channels]float32 `json:"std"`
}

// Model is an exported model, ready to run.
type Model struct {
	session *ort.Inference
	labels  []string
	size    int  // side of the images
	raw     bool // wants normalised images
	output  string
	normal  normalization
	meta    map[string]string
}

// OpenModel reads a model file that zos-ort exported.
func OpenModel(path string, o ort.Options) (*Model, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := NewModel(b, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// NewModel makes a session of a model and checks that it is one of ours.
func NewModel(model []byte, o ort.Options) (*Model, error) {
	p, err := onnx.Parse(model)
	if err != nil {
		return nil, err
	}
	d := &Model{meta: map[string]string{}}
	for _, kv := range p.MetadataProps {
		d.meta[kv.GetKey()] = kv.GetValue()
	}
	if err := d.readMetadata(); err != nil {
		return nil, err
	}
	if d.session, err = ort.NewInference(model, o); err != nil {
		return nil, err
	}
	if err := d.checkPorts(); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *Model) readMetadata() error {
	if d.meta[labelsKey] == "" {
		return fmt.Errorf("the model has no class labels (metadata %s), so it is not one that zos-ort "+
			"export or retrain wrote", labelsKey)
	}
	if err := json.Unmarshal([]byte(d.meta[labelsKey]), &d.labels); err != nil || len(d.labels) == 0 {
		return fmt.Errorf("the metadata %s is no list of names: %.60q", labelsKey, d.meta[labelsKey])
	}
	switch d.meta[inputKey] {
	case unitInput:
	case normalizedInput:
		d.raw = true
	default:
		return fmt.Errorf("the metadata %s is %.60q, want %q or %q", inputKey, d.meta[inputKey], unitInput,
			normalizedInput)
	}
	text := d.meta[normalizationKey]
	err := json.Unmarshal([]byte(text), &d.normal)
	if err != nil || slices.ContainsFunc(d.normal.Std[:], func(x float32) bool { return !(x > 0) }) {
		return fmt.Errorf("the metadata %s has no mean and positive std: %.60q", normalizationKey, text)
	}
	return nil
}

// checkPorts finds out the size of the images.
func (d *Model) checkPorts() error {
	in, out := d.session.Inputs(), d.session.Outputs()
	if len(in) != 1 || in[0].Name != network.ImageInput || len(in[0].Shape) != 4 ||
		in[0].Shape[1] != data.Channels || in[0].Shape[2] != in[0].Shape[3] || in[0].Shape[2] < 1 {
		return fmt.Errorf("the model takes %v, want %q with square RGB images", in, network.ImageInput)
	}
	if len(out) != 1 || len(out[0].Shape) != 2 || out[0].Shape[1] != len(d.labels) {
		return fmt.Errorf("the model gives %v, want one score for each of its %d labels", out,
			len(d.labels))
	}
	d.size, d.output = in[0].Shape[2], out[0].Name
	return nil
}

// Close releases the session.
func (d *Model) Close() { d.session.Close() }

// run computes the output of images [n,3,size,size], as the model wants them.
func (d *Model) run(ctx context.Context, images []float32) ([]float32, error) {
	n := len(images) / (data.Channels * d.size * d.size)
	x, err := ort.Of(images, n, data.Channels, d.size, d.size)
	if err != nil {
		return nil, err
	}
	defer x.Close()
	out, err := d.session.Run(ctx, map[string]*ort.Tensor{network.ImageInput: x})
	if err != nil {
		return nil, err
	}
	defer out[d.output].Close()
	return slices.Clone(out[d.output].Float32()), nil
}

// Logits gives logits whatever the model gives: the logarithm of a probability is one.
func (d *Model) Logits(ctx context.Context) forward {
	return func(images []float32) ([]float32, error) {
		y, err := d.run(ctx, images)
		if err == nil && d.output == network.ProbabilitiesOutput {
			for i, p := range y {
				y[i] = float32(math.Log(max(float64(p), math.SmallestNonzeroFloat32)))
			}
		}
		return y, err
	}
}

// View is a set as the model wants its images: in [0,1], or normalised as in training.
func (d *Model) View(s *data.Set) *data.Set {
	view := unitRange(s)
	if d.raw {
		view.Mean, view.Std = d.normal.Mean, d.normal.Std
	}
	return view
}
