package data

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/draw"
	"image/gif"
	stdjpeg "image/jpeg"
	"image/png"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"zos-ort/search/data/jpeg"
)

// format is a file format that can be decoded, recognised by how its files start.
type format struct {
	name   string
	magic  []string // of which one fits; ? is any byte
	config func(io.Reader) (image.Config, error)
	// decode gives the image, and a warning where a defect of the file was mended.
	decode func([]byte) (img image.Image, warning string, err error)
	// exif finds the camera's notes, nil if there are none. May be nil.
	exif func([]byte) []byte
}

var formats = []format{
	{"PNG", []string{"\x89PNG\r\n\x1a\n"}, png.DecodeConfig, plainly(png.Decode), exifOfPNG},
	{"JPEG", []string{"\xff\xd8\xff"}, stdjpeg.DecodeConfig, jpeg.Decode, exifOfJPEG},
	{"WebP", []string{"RIFF????WEBP"}, webp.DecodeConfig, decodeWebP, exifOfWebP},
	{"GIF", []string{"GIF87a", "GIF89a"}, gif.DecodeConfig, decodeGIF, nil},
	{"BMP", []string{"BM????\x00\x00\x00\x00"}, bmp.DecodeConfig, plainly(bmp.Decode), nil},
	{"TIFF", []string{"II*\x00", "MM\x00*"}, tiff.DecodeConfig, plainly(tiff.Decode),
		func(content []byte) []byte { return content }},
}

const readable = "a PNG, JPEG, WebP, GIF, BMP or TIFF image"

// unread are images that no decoder here knows, so that they are not taken for something else.
var unread = []struct{ name, magic string }{
	{"AVIF", "????ftypavif"}, {"HEIF", "????ftyphei"}, {"HEIF", "????ftypmif1"}, {"HEIF", "????ftyphev"},
	{"JPEG XL", "\xff\x0a"}, {"JPEG XL", "\x00\x00\x00\x0cJXL "}, {"JPEG 2000", "\x00\x00\x00\x0cjP  "},
	{"Photoshop", "8BPS"}, {"icon", "\x00\x00\x01\x00"}, {"OpenEXR", "v/1\x01"}, {"SVG", "<svg"},
}

// magicBytes is how much of a file recognises says something about.
const magicBytes = 16

// fits says whether content starts with magic.
func fits(content []byte, magic string) bool {
	if len(content) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && magic[i] != content[i] {
			return false
		}
	}
	return true
}

// recognise finds the format by the start of a file. The error says what else it is.
func recognise(content []byte) (format, error) {
	for _, f := range formats {
		if slices.ContainsFunc(f.magic, func(m string) bool { return fits(content, m) }) {
			return f, nil
		}
	}
	if len(content) == 0 {
		return format{}, errors.New("the file is empty")
	}
	for _, kind := range unread {
		if fits(content, kind.magic) {
			return format{}, errors.New("not " + readable + " but " + kind.name)
		}
	}
	return format{}, errors.New("not " + readable)
}

// sniff recognises a file without reading all of it.
func sniff(path string) error {
	if err := checkRegular(path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	start := make([]byte, magicBytes)
	n, err := io.ReadFull(f, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	_, err = recognise(start[:n])
	return err
}

// isImage says whether a file's name is that of an image. Others may be images all the same: their content
// decides.
func isImage(name string) bool {
	return slices.Contains([]string{".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".tif",
		".tiff"}, strings.ToLower(filepath.Ext(name)))
}

// plainly adapts a decoder that mends nothing.
func plainly(decode func(io.Reader) (image.Image, error)) func([]byte) (image.Image, string, error) {
	return func(content []byte) (image.Image, string, error) {
		img, err := decode(bytes.NewReader(content))
		return img, "", err
	}
}

// decodeGIF gives the first frame on the whole of the canvas, which it may cover in part.
func decodeGIF(content []byte) (image.Image, string, error) {
	frame, err := gif.Decode(bytes.NewReader(content))
	if err != nil {
		return nil, "", err
	}
	cfg, err := gif.DecodeConfig(bytes.NewReader(content))
	if err != nil || frame.Bounds() == image.Rect(0, 0, cfg.Width, cfg.Height) {
		return frame, "", err
	}
	canvas := image.NewRGBA(image.Rect(0, 0, cfg.Width, cfg.Height))
	draw.Draw(canvas, frame.Bounds(), frame, frame.Bounds().Min, draw.Src)
	return canvas, "", nil
}

// decodeWebP gives the colours that libwebp, and with it everybody else, shows.
func decodeWebP(content []byte) (image.Image, string, error) {
	const flags, animated = 20, 1 << 1
	if fits(content, "RIFF????WEBPVP8X") && len(content) > flags && content[flags]&animated != 0 {
		return nil, "", errors.New("an animated WebP image, which is not read: save its first frame")
	}
	for name, body := range webpChunks(content) { // webp.Decode takes memory for a chunk before it reads it
		if body == nil && slices.Contains([]string{"VP8 ", "VP8L", "ALPH"}, name) {
			return nil, "", io.ErrUnexpectedEOF
		}
	}
	img, err := webp.Decode(bytes.NewReader(content))
	if err != nil {
		return nil, "", err
	}
	switch lossy := img.(type) {
	case *image.YCbCr:
		return smoothWebP(lossy), "", nil
	case *image.NYCbCrA:
		return withAlpha(smoothWebP(&lossy.YCbCr), lossy), "", nil
	}
	return img, "", nil
}

// webpChunks are the names and contents of the chunks of a WebP file. One that is cut off comes last, as nil.
func webpChunks(content []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		const start, nameAndLength = 12, 8
		if len(content) < start {
			return
		}
		if end := nameAndLength + int(binary.LittleEndian.Uint32(content[4:])); end < len(content) {
			content = content[:max(start, end)] // what comes behind does not belong to it
		}
		for at := start; at+nameAndLength <= len(content); {
			n, body := int(binary.LittleEndian.Uint32(content[at+4:])), content[at+nameAndLength:]
			if n > len(body) {
				yield(string(content[at:at+4]), nil)
				return
			}
			if !yield(string(content[at:at+4]), body[:n:n]) {
				return
			}
			at += nameAndLength + n + n%2
		}
	}
}

// withAlpha gives opaque colours the transparency of the image that they come from.
func withAlpha(colours *image.RGBA, from *image.NYCbCrA) *image.NRGBA {
	out := &image.NRGBA{Pix: colours.Pix, Stride: colours.Stride, Rect: colours.Rect}
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			out.Pix[y*out.Stride+4*x+3] = from.A[y*from.AStride+x]
		}
	}
	return out
}
