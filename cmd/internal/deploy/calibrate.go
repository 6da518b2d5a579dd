package deploy

import (
	"context"
	"math"
	"slices"

	"zos-ort/graphgen/deploy"
	"zos-ort/models/network"
	"zos-ort/ort"
	"zos-ort/search/data"
)

// calibrate runs the float32 network and collects the ranges of its activations.
func (x *Exporter) calibrate(ctx context.Context, images *data.Set) ([]deploy.Range, error) {
	g, err := x.graph()
	if err != nil {
		return nil, err
	}
	n, err := deploy.Observe(g)
	if err != nil {
		return nil, err
	}
	b, err := File(g, "", nil)
	if err != nil {
		return nil, err
	}
	session, err := ort.NewInference(b, x.options())
	if err != nil {
		return nil, err
	}
	defer session.Close()
	if !x.Form.Raw {
		images = unitRange(images)
	}
	o := &observer{session: session, side: x.Form.Size}
	nothing := deploy.Range{Min: float32(math.Inf(1)), Max: float32(math.Inf(-1))}
	o.ranges = slices.Repeat([]deploy.Range{nothing}, n)
	run := func(pixels []float32) ([]float32, error) { return nil, o.see(ctx, pixels) }
	return o.ranges, eachBatch(ctx, run, images, x.console, func(*data.Batch, []float32) {})
}

// observer widens the ranges of activations by what images make of them.
type observer struct {
	session *ort.Inference
	side    int
	ranges  []deploy.Range
}

func (o *observer) see(ctx context.Context, pixels []float32) error {
	in, err := ort.Of(pixels, len(pixels)/(data.Channels*o.side*o.side), data.Channels, o.side, o.side)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := o.session.Run(ctx, map[string]*ort.Tensor{network.ImageInput: in})
	if err != nil {
		return err
	}
	for i := range o.ranges {
		r := &o.ranges[i]
		r.Min = min(r.Min, out[deploy.MinName(i)].Float32()[0])
		r.Max = max(r.Max, out[deploy.MaxName(i)].Float32()[0])
	}
	for _, t := range out {
		t.Close()
	}
	return nil
}
