package data

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// naive says the same as Augment.apply pixel by pixel, after the same draws.
func naive(a Augment, s *Set, i int, g *generator) []float32 {
	dy, dx := 0, 0
	if a.Pad > 0 {
		dy = g.IntN(2*a.Pad+1) - a.Pad
		dx = g.IntN(2*a.Pad+1) - a.Pad
	}
	flip := a.Flip && g.IntN(2) == 1
	cy, cx := -10*s.Size, 0
	if a.Cutout > 0 {
		cy, cx = g.IntN(s.Size), g.IntN(s.Size)
	}
	var out []float32
	for c := range Channels {
		for y := range s.Size {
			for x := range s.Size {
				sx, sy := x, y+dy
				if flip {
					sx = s.Size - 1 - x
				}
				sx += dx
				black := sx < 0 || sy < 0 || sx >= s.Size || sy >= s.Size
				pixel := uint8(0)
				if !black {
					pixel = s.Image(i)[(c*s.Size+sy)*s.Size+sx]
				}
				v := float32((float64(pixel)/255 - float64(s.Mean[c])) / float64(s.Std[c]))
				inY := y >= cy-a.Cutout/2 && y < cy-a.Cutout/2+a.Cutout
				if inY && x >= cx-a.Cutout/2 && x < cx-a.Cutout/2+a.Cutout {
					v = 0
				}
				out = append(out, v)
			}
		}
	}
	return out
}

func TestAugmentAgainstPixelByPixel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 12).Draw(t, "size")
		s := noise(2, size, 2)
		a := Augment{Pad: rapid.IntRange(0, size).Draw(t, "pad"), Flip: rapid.Bool().Draw(t, "flip"),
			Cutout: rapid.IntRange(0, 2*size).Draw(t, "cutout")}
		if err := a.Check(size); err != nil {
			t.Fatal(err)
		}
		seed := rapid.Uint64().Draw(t, "seed")
		got := make([]float32, s.Pixels())
		for i := range got {
			got[i] = -99 // what is not written shows
		}
		a.apply(got, s.Image(1), size, newNormalisation(s), newGenerator().at(seed, 1, 2, 3))
		want := naive(a, s, 1, newGenerator().at(seed, 1, 2, 3))
		if !slices.Equal(got, want) {
			t.Fatalf("%+v:\n got %v\nwant %v", a, got, want)
		}
	})
}

// DARTS's preprocessing by hand: black before the normalisation is not zero after it.
func TestEvaluationOnlyNormalises(t *testing.T) {
	s := noise(1, 2, 1)
	copy(s.Images, []uint8{0, 255, 51, 102, 0, 255, 51, 102, 0, 255, 51, 102})
	got := make([]float32, 12)
	Augment{}.apply(got, s.Image(0), 2, newNormalisation(s), nil)
	want := []float32{-1.98947, 2.05911, -1.17976, -.37004, -1.98029, 2.12649, -1.15893, -.33758,
		-1.70680, 2.11583, -.94228, -.17775}
	for i := range want {
		if d := got[i] - want[i]; d > 1e-5 || d < -1e-5 {
			t.Errorf("value %d is %.5f, want %.5f", i, got[i], want[i])
		}
	}
}

// Every shift, both directions and every centre of the cutout have to occur, about equally often.
func TestAugmentDrawsAreUniform(t *testing.T) {
	const size, n = 8, 20000
	s := noise(1, size, 1)
	for i := range s.Images { // every pixel of the first plane is its own place; none is black
		s.Images[i] = uint8(i%(size*size)) + 1
	}
	a := Augment{Pad: 2, Flip: true}
	table, g := newNormalisation(s), newGenerator()
	place := map[float32]int{}
	for v := range 256 {
		place[table[0][v]] = v - 1
	}
	shifts, flips, out := map[[2]int]int{}, 0, make([]float32, s.Pixels())
	for i := range n {
		a.apply(out, s.Image(0), size, table, g.at(7, 1, 0, uint64(i)))
		at, next := place[out[4*size+3]], place[out[4*size+4]]
		x := 3
		if next < at {
			flips++
			x = size - 1 - 3
		}
		shifts[[2]int{at/size - 4, at%size - x}]++
	}
	if flips < n/2-300 || flips > n/2+300 { // four standard deviations
		t.Errorf("%d of %d images flipped", flips, n)
	}
	if len(shifts) != 25 {
		t.Errorf("%d different shifts, want 5 x 5: %v", len(shifts), shifts)
	}
	for shift, count := range shifts {
		if count < n/25-120 || count > n/25+120 {
			t.Errorf("shift %v occurs %d times, want about %d", shift, count, n/25)
		}
	}
}

func TestCutoutIsClipped(t *testing.T) {
	const size = 6
	for _, c := range []struct{ side, y, x, want int }{
		{4, 3, 3, 16}, {4, 0, 0, 4}, {4, 5, 5, 9}, {4, 0, 3, 8}, {3, 2, 2, 9}, {1, 5, 5, 1},
		{12, 0, 0, 36},
	} {
		img := make([]float32, Channels*size*size)
		fill(img, 1)
		cutout(img, size, c.side, c.y, c.x)
		zeros := 0
		for _, v := range img {
			if v == 0 {
				zeros++
			}
		}
		if zeros != Channels*c.want {
			t.Errorf("cutout of side %d at (%d, %d): %d zeros, want %d in each channel", c.side, c.y, c.x,
				zeros, c.want)
		}
	}
}

func TestAugmentCheck(t *testing.T) {
	wantError(t, Augment{Pad: -1}.Check(32), "pad is -1", "0..32")
	wantError(t, Augment{Pad: 33}.Check(32), "pad is 33", "side 32")
	wantError(t, Augment{Cutout: -1}.Check(32), "cutout is -1", "0..64")
	wantError(t, Augment{Cutout: 65}.Check(32), "cutout is 65")
}
