package data

import (
	"fmt"
	"testing"
)

// The search's augmentation at the paper's batch and image size: what one step needs.
func BenchmarkLoader(b *testing.B) {
	set := noise(2048, 32, 10)
	for _, c := range []struct {
		name    string
		augment Augment
	}{{"evaluation", Augment{}}, {"search", search}, {"retrain", Augment{4, true, 16}}} {
		b.Run(c.name, func(b *testing.B) {
			cfg := LoaderConfig{Set: set, Batch: 128, Augment: c.augment, Shuffle: true}
			p := mustLoader(b, cfg).Endless(0)
			p.Next()
			b.ReportAllocs()
			for b.Loop() {
				p.Next()
			}
			b.ReportMetric(128*float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

func BenchmarkSynthetic(b *testing.B) {
	for b.Loop() {
		mustSynthetic(b, 32, 1000, 1)
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "images/s")
}

func BenchmarkFingerprint(b *testing.B) {
	set := noise(2048, 32, 10)
	b.SetBytes(int64(len(set.Images)))
	for b.Loop() {
		set.Fingerprint()
	}
}

// Reading an image folder, as it is and scaled.
func BenchmarkOpenFolder(b *testing.B) {
	f := folder{}
	set := noise(1000, 32, 2)
	for i := range set.Len() {
		name := fmt.Sprintf("train/%s/%d.png", set.Classes[set.Labels[i]], i)
		f[name] = string(pngOf(b, set.Picture(i)))
	}
	dir := f.write(b)
	for _, size := range []int{0, 24} {
		b.Run(fmt.Sprintf("side=%d", size), func(b *testing.B) {
			for b.Loop() {
				mustOpen(b, dir, Options{Size: size})
			}
			b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
