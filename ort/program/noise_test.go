package program

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"
)

// Random numbers follow from the images alone, are other ones for other images, and are standard normal.
func TestDrawNoise(t *testing.T) {
	draw := func(images ...float32) []float32 {
		v := make([]float32, 1e5)
		drawNoise(v, images)
		return v
	}
	a, b := draw(1, 2, 3), draw(1, 2, 4)
	if !slices.Equal(a, draw(1, 2, 3)) {
		t.Error("the same images have other numbers")
	}
	var x, y []float64
	for i := range a {
		x, y = append(x, float64(a[i])), append(y, float64(b[i]))
	}
	mean, deviation := stat.MeanStdDev(x, nil)
	if c := stat.Correlation(x, y, nil); math.Abs(mean) > .015 || math.Abs(deviation-1) > .01 || math.Abs(c) > .015 {
		t.Errorf("mean %g, deviation %g, correlation with those of other images %g", mean, deviation, c)
	}
}
