package reader

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"zos-ort/graphgen/check"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/onnx"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/plan"
)

// fuzzModels are small files of every form that zos-ort reads.
func fuzzModels(t testing.TB) (list [][]byte) {
	t.Helper()
	for _, o := range []onnx.Options{{}, {Batch: "N"}} {
		g := ir.New("small")
		x := g.Input("images", ir.T(ir.Float, 1, 3, 4, 4))
		w := g.Floats([]float32{1, 2, 3, 4, 5, 6}, 2, 3, 1, 1)
		g.Output("logits", op.Relu{}.Of(op.Conv{Kernel: 1, Stride: 1, Dilation: 1, Group: 1}.Of(x, w)))
		m := check.Must(onnx.Model(g, o))(t)
		list = append(list, check.Must(onnx.Bytes(m))(t))
	}
	return list
}

// inspect does with a file what inspect and memory do.
func inspect(t *testing.T, b []byte) {
	check.Bounded(t, len(b), len(b)*100, func() { // names and numbers become text
		m, err := onnx.Parse(b)
		if err != nil {
			return
		}
		_, _ = onnx.Text(m), onnx.Ports(m)
		if g, err := Read(b); err == nil {
			_, _ = g.Depth()
		}
		if p, err := Program(b, 4); err == nil {
			plan.Simulate(p, p.RuntimeOrder())
		}
	})
}

// FuzzModelBytes: no file crashes inspect or memory.
func FuzzModelBytes(f *testing.F) {
	for _, b := range fuzzModels(f) {
		f.Add(b)
	}
	f.Fuzz(inspect)
}

// FuzzModel: nor does a file whose parts do not fit together.
func FuzzModel(f *testing.F) {
	models := fuzzModels(f)
	f.Add(uint8(0), []byte{1, 0, 2, 3, 4, 5, 6})
	f.Add(uint8(1), []byte{9, 0, 0, 255, 255, 255, 127, 20, 0, 1, 0, 0, 0, 128})
	f.Fuzz(func(t *testing.T, which uint8, script []byte) {
		m := check.Must(onnx.Parse(models[int(which)%len(models)]))(t)
		check.Mutate(m, script)
		b, err := proto.Marshal(m)
		if err != nil {
			t.Skip("an edit makes a text that is not UTF-8")
		}
		inspect(t, b)
	})
}
