package data

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// wantError checks that an error is one line of this package and contains every given piece.
func wantError(t *testing.T, err error, pieces ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", pieces)
	}
	text := err.Error()
	if !strings.HasPrefix(text, "data: ") || strings.Contains(text, "\n") {
		t.Errorf("error %q is not one line that starts with data:", text)
	}
	for _, piece := range pieces {
		if !strings.Contains(text, piece) {
			t.Errorf("error %q does not contain %q", text, piece)
		}
	}
}

// openBoth reads a folder without options.
func openBoth(dir string) (train, test *Set, err error) {
	f, err := Open(context.Background(), dir, Options{})
	if err != nil {
		return nil, nil, err
	}
	return f.Train, f.Test, nil
}

// noise is a set of random pixels, n images of the given side in the given number of classes.
func noise(n, size, classes int) *Set {
	g := rand.New(rand.NewPCG(uint64(n), uint64(size)))
	s := &Set{Name: "noise", Size: size, Mean: cifarMean, Std: cifarStd}
	for c := range classes {
		s.Classes = append(s.Classes, string(rune('a'+c)))
	}
	for i := range n {
		s.Labels = append(s.Labels, int32(i%classes))
	}
	s.Images = make([]uint8, n*s.Pixels())
	for i := range s.Images {
		s.Images[i] = uint8(g.IntN(256))
	}
	return s
}

// hash digests a batch bit by bit.
func hash(b *Batch) string {
	h := sha256.New()
	var word []byte
	for _, v := range b.Images {
		word = binary.LittleEndian.AppendUint32(word[:0], math.Float32bits(v))
		h.Write(word)
	}
	for i, label := range b.Labels {
		word = binary.LittleEndian.AppendUint64(word[:0], uint64(label))
		word = binary.LittleEndian.AppendUint64(word, uint64(b.Source[i]))
		h.Write(word)
	}
	h.Write([]byte{byte(b.Count)})
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// sharedData is the folder of real images: ZOS_DATA, or ../shared/data from the module's root.
func sharedData(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("ZOS_DATA")
	if dir == "" {
		root, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for !exists(filepath.Join(root, "go.mod")) {
			if root == filepath.Dir(root) {
				t.Fatal("no go.mod above the test's folder")
			}
			root = filepath.Dir(root)
		}
		dir = filepath.Join(filepath.Dir(root), "shared", "data")
	}
	if !exists(dir) {
		t.Skipf("needs real images: no folder %s, and ZOS_DATA does not name one", dir)
	}
	return dir
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// naiveMoments gives mean and standard deviation of each channel on a scale of 0 to 1.
func naiveMoments(s *Set) (mean, std [Channels]float64) {
	var sum, squares [Channels]uint64
	plane := s.Size * s.Size
	for i := range s.Len() {
		for at, v := range s.Image(i) {
			sum[at/plane] += uint64(v)
			squares[at/plane] += uint64(v) * uint64(v)
		}
	}
	n := float64(s.Len() * plane)
	for k := range mean {
		m := float64(sum[k]) / n
		mean[k] = m / 255
		std[k] = math.Sqrt(float64(squares[k])/n-m*m) / 255
	}
	return mean, std
}
