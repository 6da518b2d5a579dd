package data

import (
	"bytes"
	"encoding/binary"
	"image"
)

// Markers of JPEG: the segment that holds a camera's notes, and the start of the image data.
const app1, startOfScan = 0xe1, 0xda

// exifStart stands before the notes of a camera, which are a TIFF file without an image.
var exifStart = []byte("Exif\x00\x00")

func exifOfJPEG(content []byte) (notes []byte) {
	eachSegment(content, func(marker byte, payload []byte) {
		if rest, ok := bytes.CutPrefix(payload, exifStart); ok && marker == app1 && notes == nil {
			notes = rest
		}
	})
	return notes
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

func exifOfPNG(content []byte) []byte {
	const start, lengthAndType, checksum = 8, 8, 4
	for at := start; at+lengthAndType <= len(content); {
		n := int(binary.BigEndian.Uint32(content[at:]))
		body := content[at+lengthAndType:]
		if n > len(body) {
			break
		}
		if string(content[at+4:at+lengthAndType]) == "eXIf" {
			return body[:n]
		}
		at += lengthAndType + n + checksum
	}
	return nil
}

func exifOfWebP(content []byte) (notes []byte) {
	for name, body := range webpChunks(content) {
		if name == "EXIF" && notes == nil {
			notes = bytes.TrimPrefix(body, exifStart)
		}
	}
	return notes
}

// orientation reads how the camera was held, 1 to 8 as Exif counts (tag 0x0112); 1 is upright, and what is
// taken where nothing or nonsense is noted.
func orientation(notes []byte) int {
	const tag, entry, short = 0x0112, 12, 3
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(notes, []byte("II*\x00")):
		order = binary.LittleEndian
	case bytes.HasPrefix(notes, []byte("MM\x00*")):
		order = binary.BigEndian
	default:
		return 1
	}
	if len(notes) < 8 {
		return 1
	}
	at := int64(order.Uint32(notes[4:]))
	if at+2 > int64(len(notes)) {
		return 1
	}
	entries := notes[at+2:]
	for range order.Uint16(notes[at:]) {
		if len(entries) < entry {
			break
		}
		value := int(order.Uint16(entries[8:]))
		if order.Uint16(entries) == tag && order.Uint16(entries[2:]) == short && 1 <= value && value <= 8 {
			return value
		}
		entries = entries[entry:]
	}
	return 1
}

// upright turns an image so that it is seen as the camera saw it.
func upright(img *image.RGBA, orientation int) *image.RGBA {
	if orientation == 1 {
		return img
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 { // rows become columns
		size = image.Rect(0, 0, h, w)
	}
	out := image.NewRGBA(size)
	for y := range size.Dy() {
		for x := range size.Dx() {
			sx, sy := x, y
			if orientation >= 5 {
				sx, sy = y, x
			}
			switch orientation {
			case 2, 3, 7, 8:
				sx = w - 1 - sx
			}
			switch orientation {
			case 3, 4, 6, 7:
				sy = h - 1 - sy
			}
			copy(out.Pix[out.PixOffset(x, y):][:4], img.Pix[img.PixOffset(sx, sy):][:4])
		}
	}
	return out
}
