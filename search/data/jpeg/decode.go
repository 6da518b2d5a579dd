// Package jpeg decodes JPEG images to the pixels that libjpeg-turbo gives, with which networks and users compare.
//
// The standard library's decoder repeats subsampled chroma and rounds its inverse DCT in another way: up to 12 of 255
// apart from everybody else. This one follows the integer arithmetic of libjpeg: jidctint.c (the "islow" inverse
// DCT), jdsample.c ("fancy" upsampling) and jdcolor.c. It reads 8-bit baseline, extended and progressive images with
// Huffman codes (ITU T.81), in one, three or four components.
package jpeg

import (
	"errors"
	"fmt"
	"image"
	"slices"
)

// Markers (ITU T.81, table B.1).
const (
	sof0, sof1, sof2 = 0xc0, 0xc1, 0xc2
	dht, dac         = 0xc4, 0xcc
	rst0, rst7       = 0xd0, 0xd7
	soi, eoi         = 0xd8, 0xd9
	sos, dqt, dri    = 0xda, 0xdb, 0xdd
	app0, app14      = 0xe0, 0xee
)

const blockSize = 64

// Bounds of the memory and the work that a small file can ask for. An image of 8192x8192 in four components has
// 4 million blocks. Encoders write about ten scans; those of such an image visit 14 million blocks.
const (
	maxBlocks = 5 << 20
	maxScans  = 500
	maxVisits = 50 << 20
)

// ErrTruncated says that image data is missing.
var ErrTruncated = errors.New("the image is truncated")

// decoder is the state while a file is read.
type decoder struct {
	file []byte
	at   int

	quant       [4]*[blockSize]int32
	dc, ac      [4]*huffman
	width       int
	height      int
	hMax, vMax  int
	comps       []*component
	progressive bool
	restart     int // MCUs between restart markers; 0 for none
	scans       int
	visits      int // blocks of all scans

	jfif  bool
	adobe int // transform that the Adobe segment names; -1 without one
}

// component is a plane of the image. Its samples are padded to whole MCUs.
type component struct {
	id, h, v, tq     int
	width, height    int              // of what is seen
	across, down     int              // blocks, with padding
	coefficients     []int16          // of a progressive image
	known            [blockSize]uint8 // of each: 0 for nothing, else 1 more than the bits still to come
	samples          []uint8          // [8 down, 8 across]
	dcTable, acTable *huffman
	previous         int32 // DC value
	quant            *[blockSize]int32
}

// Decode reads an image: *image.Gray, *image.RGBA or *image.CMYK. A warning tells that the end marker is missing
// though all image data is there.
func Decode(data []byte) (img image.Image, warning string, err error) {
	d := &decoder{file: data, adobe: -1}
	ended, err := d.segments()
	if err != nil {
		return nil, "", err
	}
	if d.scans == 0 {
		return nil, "", ErrTruncated
	}
	if !ended && d.unfinished() {
		return nil, "", ErrTruncated
	}
	if !ended {
		warning = "the JPEG has no end marker: read as far as it goes"
	}
	for _, c := range d.comps {
		if d.progressive {
			c.transformAll()
		}
		if c.quant == nil {
			return nil, "", fmt.Errorf("component %d has no image data", c.id)
		}
	}
	img, err = d.picture()
	return img, warning, err
}

// unfinished says whether a progressive image lacks coefficients, or bits of them.
func (d *decoder) unfinished() bool {
	return d.progressive && slices.ContainsFunc(d.comps, func(c *component) bool {
		return slices.ContainsFunc(c.known[:], func(known uint8) bool { return known != 1 })
	})
}

// segments reads all segments up to the end marker or, where that is missing, the end of the file.
func (d *decoder) segments() (ended bool, err error) {
	if len(d.file) < 2 || d.file[0] != 0xff || d.file[1] != soi {
		return false, errors.New("no start marker")
	}
	d.at = 2
	for {
		marker, ok := d.nextMarker()
		if !ok || marker == eoi {
			return ok, nil
		}
		if rst0 <= marker && marker <= rst7 || marker == 0x01 {
			continue // some encoders leave a restart marker behind the last scan
		}
		payload, ok := d.payload()
		if !ok {
			// A rest of a segment after all image data is as good as nothing.
			return false, d.cut()
		}
		if err := d.segment(marker, payload); err != nil {
			return false, err
		}
	}
}

// cut is the error of a file that ends inside of a segment.
func (d *decoder) cut() error {
	if d.scans > 0 && !d.progressive {
		return nil
	}
	return ErrTruncated
}

// nextMarker passes over anything that is no marker, as libjpeg does.
func (d *decoder) nextMarker() (marker byte, ok bool) {
	for ; d.at+1 < len(d.file); d.at++ {
		if m := d.file[d.at+1]; d.file[d.at] == 0xff && m != 0 && m != 0xff {
			d.at += 2
			return m, true
		}
	}
	return 0, false
}

// payload is the content of the segment at the position.
func (d *decoder) payload() (b []byte, ok bool) {
	if d.at+2 > len(d.file) {
		return nil, false
	}
	n := int(d.file[d.at])<<8 | int(d.file[d.at+1])
	if n < 2 || d.at+n > len(d.file) {
		return nil, false
	}
	b = d.file[d.at+2 : d.at+n]
	d.at += n
	return b, true
}

// segment reads the content of one segment.
func (d *decoder) segment(marker byte, b []byte) error {
	switch {
	case marker == sof0, marker == sof1, marker == sof2:
		d.progressive = marker == sof2
		return d.frame(b)
	case marker == dht:
		return d.huffmanTables(b)
	case marker == dqt:
		return d.quantTables(b)
	case marker == dri:
		if len(b) != 2 {
			return errors.New("restart interval of a wrong length")
		}
		d.restart = int(b[0])<<8 | int(b[1])
	case marker == sos:
		return d.scan(b)
	case marker == app0:
		d.jfif = d.jfif || len(b) >= 5 && string(b[:5]) == "JFIF\x00"
	case marker == app14:
		if len(b) >= 12 && string(b[:5]) == "Adobe" {
			d.adobe = int(b[11])
		}
	case sof2 < marker && marker <= 0xcf:
		return fmt.Errorf("JPEG of a kind that is not read (marker %#x: lossless, hierarchical or arithmetic)", marker)
	}
	return nil
}

// quantTables reads a DQT segment, whose values come in zigzag order.
func (d *decoder) quantTables(b []byte) error {
	for len(b) > 0 {
		id, wide := b[0]&15, b[0]>>4
		size := blockSize * (1 + int(wide))
		if id > 3 || wide > 1 || len(b) < 1+size {
			return errors.New("damaged quantisation table")
		}
		t := new([blockSize]int32)
		for i := range t {
			if wide == 0 {
				t[zigzag[i]] = int32(b[1+i])
			} else {
				t[zigzag[i]] = int32(b[1+2*i])<<8 | int32(b[2+2*i])
			}
		}
		d.quant[id], b = t, b[1+size:]
	}
	return nil
}

// frame reads a SOF segment: size and components.
func (d *decoder) frame(b []byte) error {
	if d.comps != nil {
		return errors.New("two frame headers")
	}
	if len(b) < 6 || len(b) != 6+3*int(b[5]) {
		return errors.New("frame header of a wrong length")
	}
	if b[0] != 8 {
		return fmt.Errorf("%d bits a sample, want 8", b[0])
	}
	d.height, d.width = int(b[1])<<8|int(b[2]), int(b[3])<<8|int(b[4])
	n := int(b[5])
	if d.height == 0 || d.width == 0 || n != 1 && n != 3 && n != 4 {
		return fmt.Errorf("image of %dx%d in %d components", d.width, d.height, n)
	}
	for i := range n {
		c := &component{id: int(b[6+3*i]), h: int(b[7+3*i] >> 4), v: int(b[7+3*i] & 15), tq: int(b[8+3*i])}
		if n == 1 { // a single plane is not interleaved, whatever its factors
			c.h, c.v = 1, 1
		}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.tq > 3 {
			return errors.New("damaged frame header")
		}
		d.hMax, d.vMax = max(d.hMax, c.h), max(d.vMax, c.v)
		d.comps = append(d.comps, c)
	}
	return d.layOut()
}

// layOut gives every component its size.
func (d *decoder) layOut() error {
	blocks := 0
	for _, c := range d.comps {
		if d.hMax%c.h != 0 || d.vMax%c.v != 0 {
			return fmt.Errorf("sampling %dx%d of %dx%d is not read", c.h, c.v, d.hMax, d.vMax)
		}
		c.width, c.height = ceil(d.width*c.h, d.hMax), ceil(d.height*c.v, d.vMax)
		c.across, c.down = ceil(d.width, 8*d.hMax)*c.h, ceil(d.height, 8*d.vMax)*c.v
		blocks += c.across * c.down
	}
	if blocks > maxBlocks {
		return fmt.Errorf("image of %dx%d is larger than %d blocks", d.width, d.height, maxBlocks)
	}
	return nil
}

func ceil(a, b int) int { return (a + b - 1) / b }
