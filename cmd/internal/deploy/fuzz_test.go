package deploy

import (
	"context"
	"testing"

	"google.golang.org/protobuf/proto"

	"zos-ort/graphgen/check"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/onnx"
	"zos-ort/graphgen/op"
	"zos-ort/models/network"
	"zos-ort/ort"
)

// FuzzModelMetadata: whatever a model says of itself, it is understood or refused.
func FuzzModelMetadata(f *testing.F) {
	f.Add(`["a","b"]`, unitInput, `{"mean":[0,0,0],"std":[1,1,1]}`)
	f.Add(`null`, normalizedInput, `{"mean":null,"std":[1e-50,1,1]}`)
	f.Fuzz(func(t *testing.T, labels, input, normal string) {
		size := len(labels) + len(input) + len(normal)
		check.Bounded(t, size, 20*size, func() { // names of a byte become texts
			d := &Model{meta: map[string]string{labelsKey: labels, inputKey: input, normalizationKey: normal}}
			if d.readMetadata() != nil {
				return
			}
			for c, std := range d.normal.Std {
				if !(std > 0) || len(d.labels) == 0 {
					t.Errorf("std %v of channel %d, %d labels", std, c, len(d.labels))
				}
			}
		})
	})
}

// tinyModel is a file of the form that export writes, for two classes and images of 2x2.
func tinyModel(t testing.TB) []byte {
	t.Helper()
	g := ir.New("tiny")
	x := g.Input(network.ImageInput, ir.T(ir.Float, 1, 3, 2, 2))
	w := g.Floats(make([]float32, 24), 12, 2)
	g.Output("logits", op.MatMul{}.Of(op.Flatten{}.Of(x), w))
	m := check.Must(onnx.Model(g, onnx.Options{Batch: "N", Metadata: map[string]string{labelsKey: `["a","b"]`,
		inputKey: unitInput, normalizationKey: `{"mean":[0,0,0],"std":[1,1,1]}`}}))(t)
	return check.Must(onnx.Bytes(m))(t)
}

// FuzzModel: a model whose parts do not fit together is refused by eval and predict, or runs. ONNX Runtime must
// not be brought down by it.
func FuzzModel(f *testing.F) {
	if err := ort.Open(""); err != nil {
		f.Skipf("needs ONNX Runtime: %v", err)
	}
	whole := tinyModel(f)
	f.Add([]byte{})
	f.Add([]byte{3, 0, 2, 9, 0, 0, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		m := check.Must(onnx.Parse(whole))(t)
		check.Mutate(m, script)
		b, err := proto.Marshal(m)
		if err != nil || len(b) > 1<<16 {
			t.Skip("too large to be quick")
		}
		d, err := NewModel(b, ort.Options{Threads: 1})
		if err != nil {
			return
		}
		defer d.Close()
		if d.size > 64 {
			return
		}
		_, _ = d.run(context.Background(), d.input(make([]uint8, 3*d.size*d.size)))
	})
}
