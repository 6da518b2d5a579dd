package data

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	"zos-ort/models/safe"
)

// Constants: the bytes of the built-in data set. They change only by decision, since every result
// on the built-in data changes with them.
func TestSyntheticIsFixed(t *testing.T) {
	cases := []struct {
		cfg         SyntheticConfig
		train, test string
	}{
		{SyntheticConfig{Train: 100, Test: 50}, "3ab10f397efde460", "3b2d50e00a582059"},
		{SyntheticConfig{Train: 100, Test: 50, Seed: 1}, "6f0f299c11a162d8", "6a11090a0e829055"},
		{SyntheticConfig{Size: 16, Train: 100, Test: 50}, "10248da45079879a", "a6b2eece8e00af83"},
		{SyntheticConfig{Size: 45, Train: 100, Test: 50, Seed: 1 << 63},
			"02559c1c5396394e", "c2b7def91e278c66"},
	}
	for _, c := range cases {
		train, test, err := Synthetic(c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if got := train.Fingerprint(); got != c.train {
			t.Errorf("%+v: train is %s, want %s", c.cfg, got, c.train)
		}
		if got := test.Fingerprint(); got != c.test {
			t.Errorf("%+v: test is %s, want %s", c.cfg, got, c.test)
		}
	}
}

func TestSyntheticDoesNotDependOnWorkers(t *testing.T) {
	var first string
	for _, workers := range []int{1, 2, 7} {
		train, _, err := Synthetic(SyntheticConfig{Train: 60, Test: 1, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = train.Fingerprint()
		}
		if got := train.Fingerprint(); got != first {
			t.Errorf("%d workers: %s, one worker: %s", workers, got, first)
		}
	}
}

// A panic of a goroutine that paints is an error with its trace.
func TestPanicOfAPainter(t *testing.T) {
	s := noise(4, 8, 2)
	s.Labels[3] = 99 // there is no such figure
	err := (&SyntheticConfig{Size: 8, Workers: 2}).paint(s, 0, figures())
	var p *safe.Panic
	if !errors.As(err, &p) || len(p.Stack) == 0 {
		t.Errorf("got %v, want a panic", err)
	}
}

// A longer set begins with the shorter one: --train-images changes nothing else.
func TestSyntheticPrefix(t *testing.T) {
	long, short := mustSynthetic(t, 16, 57, 5), mustSynthetic(t, 16, 23, 5)
	if got, want := long.Head(23).Fingerprint(), short.Fingerprint(); got != want {
		t.Errorf("head of the longer set is %s, the shorter set %s", got, want)
	}
}

func TestSyntheticDefaults(t *testing.T) {
	train, test, err := Synthetic(SyntheticConfig{Train: 30})
	if err != nil {
		t.Fatal(err)
	}
	if train.Size != 32 || test.Len() != 2000 || len(train.Classes) != 10 {
		t.Errorf("side %d, %d test images, classes %q", train.Size, test.Len(), train.Classes)
	}
	for _, s := range []*Set{train, test} {
		if err := s.Check(); err != nil {
			t.Error(err)
		}
	}
	for block := range slices.Chunk(train.Labels, 10) {
		block = slices.Clone(block)
		slices.Sort(block)
		if !slices.Equal(block, []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Errorf("ten images have the labels %v", block)
		}
	}
	for i := range train.Len() {
		for j := range test.Len() {
			if bytes.Equal(train.Image(i), test.Image(j)) {
				t.Fatalf("training image %d is test image %d", i, j)
			}
		}
	}
}

func TestSyntheticBadConfig(t *testing.T) {
	for _, c := range []struct {
		cfg    SyntheticConfig
		pieces []string
	}{
		{SyntheticConfig{Size: 7}, []string{"side is 7", "8..512"}},
		{SyntheticConfig{Size: 513}, []string{"side is 513"}},
		{SyntheticConfig{Train: -1}, []string{"-1 training images"}},
		{SyntheticConfig{Test: -2}, []string{"-2 test images"}},
		{SyntheticConfig{Workers: -3}, []string{"-3 workers"}},
	} {
		_, _, err := Synthetic(c.cfg)
		wantError(t, err, c.pieces...)
	}
}

func TestSyntheticNormalisation(t *testing.T) {
	for _, seed := range []uint64{0, 1} {
		mean, std := naiveMoments(mustSynthetic(t, 16, 3000, seed))
		for k := range Channels {
			if math.Abs(mean[k]-float64(syntheticMean[k])) > .015 ||
				math.Abs(std[k]-float64(syntheticStd[k])) > .015 {
				t.Errorf("seed %d, channel %d: mean %.4f, std %.4f, constants %.4f, %.4f", seed, k,
					mean[k], std[k], syntheticMean[k], syntheticStd[k])
			}
		}
	}
}

// A linear classifier on the pixels learns something, but far from enough; a histogram of the
// colours tells nothing. For comparison, on 2,000 images of side 16 in steps of 32, without
// augmentation: a plain network of four convolutions reached 63 % after 250 steps and 85 % after
// 500, a supernet of eight cells (C=8, 1/4 channels, half of the operations) 82 % after 370.
func TestSyntheticIsLearnableButNotTrivial(t *testing.T) {
	train, test, err := Synthetic(SyntheticConfig{Size: 16, Train: 4000, Test: 2000})
	if err != nil {
		t.Fatal(err)
	}
	pixels := linearAccuracy(train, test, train.Pixels(), pixelFeatures, .002)
	if pixels < .14 || pixels > .45 { // chance is .10 with a standard deviation of .007
		t.Errorf("linear classifier on pixels: accuracy %.3f, want .14 to .45", pixels)
	}
	colours := linearAccuracy(train, test, 64, colourHistogram, .05)
	if colours > .2 {
		t.Errorf("linear classifier on a colour histogram: accuracy %.3f, want at most .2", colours)
	}
	t.Logf("linear on pixels %.3f, on colours %.3f", pixels, colours)
}

func pixelFeatures(s *Set, i int, x []float32) {
	for at, v := range s.Image(i) {
		c := at / (s.Size * s.Size)
		x[at] = (float32(v)/255 - s.Mean[c]) / s.Std[c]
	}
}

// colourHistogram counts the pixels in each of 4 x 4 x 4 boxes of colour.
func colourHistogram(s *Set, i int, x []float32) {
	clear(x)
	img, n := s.Image(i), s.Size*s.Size
	for at := range n {
		x[img[at]/64*16+img[n+at]/64*4+img[2*n+at]/64] += 16 / float32(n)
	}
}

// linearAccuracy trains softmax regression by plain SGD and gives its accuracy on the test set.
func linearAccuracy(train, test *Set, features int, feature func(*Set, int, []float32),
	rate float32) float64 {
	classes := len(train.Classes)
	weights, x, p := make([]float32, classes*(features+1)), make([]float32, features+1),
		make([]float64, classes)
	x[features] = 1
	for epoch := range 6 {
		for i := range train.Len() {
			feature(train, i, x[:features])
			predict(weights, x, p)
			for c := range p {
				d := float32(p[c])
				if int(train.Labels[i]) == c {
					d--
				}
				d *= rate / float32(epoch+1)
				for k, v := range x {
					weights[c*len(x)+k] -= d * v
				}
			}
		}
	}
	right := 0
	for i := range test.Len() {
		feature(test, i, x[:features])
		predict(weights, x, p)
		if slices.Index(p, slices.Max(p)) == int(test.Labels[i]) {
			right++
		}
	}
	return float64(right) / float64(test.Len())
}

// predict writes the softmax of the linear scores to p.
func predict(weights, x []float32, p []float64) {
	for c := range p {
		var sum float32
		for k, w := range weights[c*len(x) : (c+1)*len(x)] {
			sum += w * x[k]
		}
		p[c] = float64(sum)
	}
	top, total := slices.Max(p), 0.
	for c := range p {
		p[c] = math.Exp(p[c] - top)
		total += p[c]
	}
	for c := range p {
		p[c] /= total
	}
}
