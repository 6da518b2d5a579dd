package data

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// Channels is the number of colour planes of every image: red, green, blue.
const Channels = 3

// Set is a labelled set of square colour images. It is read-only once made: subsets and loaders
// share its memory.
type Set struct {
	Name    string   // what the set is, for messages: "cifar-10 train"
	Size    int      // side of an image in pixels
	Classes []string // one name per label
	Images  []uint8  // [Len, 3, Size, Size]
	Labels  []int32  // [Len], indices into Classes
	// Mean and Std normalise a pixel p of channel c to (p/255 - Mean[c]) / Std[c].
	Mean, Std [Channels]float32
}

// Len is the number of images.
func (s *Set) Len() int { return len(s.Labels) }

// Pixels is the number of bytes of one image, 3 x Size x Size.
func (s *Set) Pixels() int { return Channels * s.Size * s.Size }

// Image gives the pixels of image i as [3, Size, Size]. They belong to the set.
func (s *Set) Image(i int) []uint8 {
	n := s.Pixels()
	return s.Images[i*n : (i+1)*n : (i+1)*n]
}

// count is the number of images of each class.
func (s *Set) count() []int {
	count := make([]int, len(s.Classes))
	for _, label := range s.Labels {
		count[label]++
	}
	return count
}

// Head is the set of the first n images, or of all if there are fewer (a negative n gives none).
// It shares the images. The name stays, for it is the same data.
func (s *Set) Head(n int) *Set {
	n = max(0, min(n, s.Len()))
	head := *s
	head.Images = s.Images[: n*s.Pixels() : n*s.Pixels()]
	head.Labels = s.Labels[:n:n]
	return &head
}

// Subset copies the images at the given indices, in that order.
func (s *Set) Subset(indices []int) (*Set, error) {
	if err := checkIndices(indices, s); err != nil {
		return nil, err
	}
	sub := *s
	sub.Images = make([]uint8, 0, len(indices)*s.Pixels())
	sub.Labels = make([]int32, 0, len(indices))
	for _, i := range indices {
		sub.Images = append(sub.Images, s.Image(i)...)
		sub.Labels = append(sub.Labels, s.Labels[i])
	}
	return &sub, nil
}

// Fingerprint identifies the data: the first 16 hex digits of the SHA-256 of size, pixels and
// labels. Names and normalisation are not part of it.
func (s *Set) Fingerprint() string {
	h := sha256.New()
	head := binary.LittleEndian.AppendUint64(nil, uint64(s.Len()))
	h.Write(binary.LittleEndian.AppendUint64(head, uint64(s.Size)))
	h.Write(s.Images)
	var word [4]byte
	for _, label := range s.Labels {
		binary.LittleEndian.PutUint32(word[:], uint32(label))
		h.Write(word[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Check reports the first thing that is wrong with the set: lengths that do not fit together,
// labels without a class, a normalisation that divides by nothing.
func (s *Set) Check() error {
	if s.Size < 1 {
		return fmt.Errorf("data: %s: image side is %d, want at least 1", s.Name, s.Size)
	}
	if want := s.Len() * s.Pixels(); len(s.Images) != want {
		return fmt.Errorf("data: %s: %d labels of %dx%d images want %d bytes of pixels, have %d",
			s.Name, s.Len(), s.Size, s.Size, want, len(s.Images))
	}
	for i, label := range s.Labels {
		if label < 0 || int(label) >= len(s.Classes) {
			return fmt.Errorf("data: %s: image %d has label %d, there are %d classes",
				s.Name, i, label, len(s.Classes))
		}
	}
	for c, std := range s.Std {
		if !(std > 0) {
			return fmt.Errorf("data: %s: std of channel %d is %g, want more than 0", s.Name, c, std)
		}
	}
	return nil
}

func checkIndices(indices []int, s *Set) error {
	for at, i := range indices {
		if i < 0 || i >= s.Len() {
			return fmt.Errorf("data: %s: index %d (number %d of the list) is outside 0..%d",
				s.Name, i, at, s.Len()-1)
		}
	}
	return nil
}
