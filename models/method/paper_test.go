package method

import (
	"testing"

	"zos-ort/graphgen/check"
)

// Every method of Table 1 is there for both data sets, with the ratios that the paper is about.
func TestPaper(t *testing.T) {
	for data, methods := range paper {
		if len(methods) != 8 {
			t.Errorf("%s has %d methods", data, len(methods))
		}
		zos, darts := methods["zos"], methods["darts"]
		check.Close(t, data, []float64{zos.PeakMB / darts.PeakMB, zos.Seconds / darts.Seconds},
			[]float64{.19, .66}, .005, 0)
	}
	if _, ok := Paper("cifar-10", "random"); ok {
		t.Error("the paper has no random architectures")
	}
}
