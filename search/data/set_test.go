package data

import (
	"slices"
	"testing"
)

func TestHead(t *testing.T) {
	s := noise(10, 4, 3)
	for _, c := range []struct{ n, want int }{{-1, 0}, {0, 0}, {3, 3}, {10, 10}, {11, 10}} {
		h := s.Head(c.n)
		if h.Len() != c.want || h.Check() != nil {
			t.Errorf("Head(%d) has %d images (check: %v), want %d", c.n, h.Len(), h.Check(), c.want)
		}
		for i := range h.Len() {
			if !slices.Equal(h.Image(i), s.Image(i)) || h.Labels[i] != s.Labels[i] {
				t.Errorf("Head(%d): image %d is another", c.n, i)
			}
		}
	}
}

func TestSubset(t *testing.T) {
	s := noise(10, 4, 3)
	sub, err := s.Subset([]int{7, 2, 7})
	if err != nil || sub.Check() != nil {
		t.Fatal(err, sub.Check())
	}
	for to, from := range []int{7, 2, 7} {
		if !slices.Equal(sub.Image(to), s.Image(from)) || sub.Labels[to] != s.Labels[from] {
			t.Errorf("image %d is not image %d of the set", to, from)
		}
	}
	_, err = s.Subset([]int{1, 10})
	wantError(t, err, "index 10", "number 1", "0..9")
}

func TestFingerprint(t *testing.T) {
	s := noise(10, 4, 3)
	whole := s.Fingerprint()
	if want := "7511600ff3aaefcd"; whole != want {
		t.Errorf("fingerprint %s, want %s", whole, want)
	}
	named := *s
	named.Name, named.Mean[0] = "other", 0
	if got := named.Fingerprint(); got != whole {
		t.Errorf("name and normalisation change the fingerprint: %s, %s", got, whole)
	}
	if got := s.Head(9).Fingerprint(); got == whole {
		t.Error("a shorter set has the same fingerprint")
	}
	s.Labels[3]++
	if got := s.Fingerprint(); got == whole {
		t.Error("another label leaves the fingerprint the same")
	}
	s.Labels[3]--
	s.Images[17] ^= 1
	if got := s.Fingerprint(); got == whole {
		t.Error("another pixel leaves the fingerprint the same")
	}
}

func TestCheck(t *testing.T) {
	cases := []struct {
		spoil  func(*Set)
		pieces []string
	}{
		{func(s *Set) { s.Size = 0 }, []string{"side is 0"}},
		{func(s *Set) { s.Size = 5 }, []string{"10 labels of 5x5", "want 750 bytes", "have 480"}},
		{func(s *Set) { s.Labels[4] = 3 }, []string{"noise", "image 4", "label 3", "3 classes"}},
		{func(s *Set) { s.Labels[4] = -1 }, []string{"label -1"}},
		{func(s *Set) { s.Std[2] = 0 }, []string{"std of channel 2 is 0"}},
	}
	for _, c := range cases {
		s := noise(10, 4, 3)
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		c.spoil(s)
		wantError(t, s.Check(), c.pieces...)
	}
}
