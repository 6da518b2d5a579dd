package onnx_test

import (
	"strings"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/graphgen/onnx"
)

func TestOptimizerModels(t *testing.T) {
	for k, want := range map[onnx.Optimizer]string{
		onnx.AdamW: `optimizer_model (float[1] learning_rate, int64[1] step, seq(float) params, ` +
			`seq(float) gradients, seq(float) first_order_moments, seq(float) second_order_moments) ` +
			`=> (bool[1] updated)`,
		onnx.PlainSGD: `optimizer_model (float[1] learning_rate, int64[1] step, seq(float) params, ` +
			`seq(float) gradients, seq(float) first_order_moments) => (bool updated)`,
	} {
		b := check.Must(onnx.Bytes(check.Must(k.Model(onnx.Options{}))(t)))(t)
		if got := onnx.Text(check.Must(onnx.Parse(b))(t)); !strings.Contains(got, want) {
			t.Errorf("%s: %s\nwant %s", k, got, want)
		}
	}
	_, err := onnx.Optimizer("adam").Model(onnx.Options{})
	check.Error(t, err, `optimizer "adam" is neither adamw nor sgd`)
}
