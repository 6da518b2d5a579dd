package surrogate

import (
	"context"
	"testing"

	"google.golang.org/protobuf/proto"

	"zos-ort/cmd/internal/surrogate/fakes"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/onnx"
	"zos-ort/ort"
)

// FuzzSurrogate: a surrogate whose parts do not fit together is refused, or predicts.
func FuzzSurrogate(f *testing.F) {
	if err := ort.Open(""); err != nil {
		f.Skipf("needs ONNX Runtime: %v", err)
	}
	whole := check.Must(fakes.Surrogate(fakes.Eighths, func(*onnx.GraphProto) {}))(f)
	f.Add([]byte{})
	f.Add([]byte{5, 0, 2, 9, 0, 0, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		m := check.Must(onnx.Parse(whole))(t)
		check.Mutate(m, script)
		b, err := proto.Marshal(m)
		if err != nil || len(b) > 1<<18 {
			t.Skip("too large to be quick")
		}
		model, err := New("fuzzed.onnx", b, 2, LastEpoch).Open(context.Background(), 1)
		if err == nil {
			model.Close()
		}
	})
}
