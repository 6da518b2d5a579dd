package data

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"slices"
)

// Segments of JPEG (ITU T.81, table B.1).
const (
	startOfScan  = 0xda
	exifSegment  = 0xe1
	adobeSegment = 0xee // says which colours the components are
)

var (
	jpegEnd    = []byte{0xff, 0xd9}
	plainAdobe = []byte("\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00") // no transform: CMYK
)

// decodeJPEG gives the pixels that libjpeg-turbo gives, to a step or two of 255: chroma that was subsampled is
// interpolated, which the standard library does not do. Like libjpeg it takes four components without an Adobe
// segment for CMYK, and passes over a missing end marker when all image data is there.
func decodeJPEG(content []byte) (img image.Image, warning string, err error) {
	img, err = jpeg.Decode(bytes.NewReader(content))
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		cut := err
		content = slices.Concat(content, jpegEnd)
		warning = "the JPEG has no end marker: read as far as it goes"
		if img, err = jpeg.Decode(bytes.NewReader(content)); err != nil && !isUnsupported(err) {
			err = cut
		}
	}
	if isUnsupported(err) && !hasSegment(content, adobeSegment) {
		// Twice the decoding, but rare. Another unsupported feature stays one.
		marked := slices.Concat(content[:2], plainAdobe, content[2:])
		if other, bad := jpeg.Decode(bytes.NewReader(marked)); bad == nil {
			img, err = other, nil
		}
	}
	if ycc, ok := img.(*image.YCbCr); ok && err == nil {
		img = smooth(ycc, newChroma, fullColour)
	}
	return img, warning, err
}

func isUnsupported(err error) bool {
	var unsupported jpeg.UnsupportedError
	return errors.As(err, &unsupported)
}

// hasSegment says whether a segment of the kind comes before the image data.
func hasSegment(content []byte, kind byte) bool {
	found := false
	eachSegment(content, func(marker byte, _ []byte) { found = found || marker == kind })
	return found
}

// eachSegment shows the segments of a JPEG file up to its image data.
func eachSegment(content []byte, see func(marker byte, payload []byte)) {
	for at := 2; at+4 <= len(content) && content[at] == 0xff; {
		marker := content[at+1]
		if marker == 0xff { // fill byte
			at++
			continue
		}
		n := int(content[at+2])<<8 | int(content[at+3])
		if marker == startOfScan || n < 2 || at+2+n > len(content) {
			return
		}
		see(marker, content[at+4:at+2+n])
		at += 2 + n
	}
}
