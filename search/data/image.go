package data

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"os"
)

// maxPixels bounds what is decoded: a file of some kilobytes can claim an image that no memory
// holds. A square of maxSide is as much.
const (
	maxSide   = 8192
	maxPixels = maxSide * maxSide
	maxFile   = 8 * maxPixels // four channels of 16 bits
)

// format is a file format that can be decoded, recognised by how its files start.
type format struct {
	magic  string
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

var formats = []format{
	{"\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode},
	{"\xff\xd8\xff", jpeg.DecodeConfig, jpeg.Decode},
}

// DecodeImage reads a PNG or JPEG file as training does, to [3, size, size] bytes: the square in
// the middle of the image, scaled to the side with the Catmull-Rom kernel. Grey, paletted and
// 16-bit images become 8-bit RGB, and what is transparent lies on white. A side of 0 takes the
// image as it is, which must be square. The orientation that a camera may have noted is not applied.
// An error names the file and what is wrong with it.
func DecodeImage(path string, size int) ([]uint8, error) {
	if size < 0 || size > maxSide {
		return nil, fmt.Errorf("data: image side is %d, want 1..%d, or 0 for the image's own", size,
			maxSide)
	}
	content, err := readImage(path)
	if err != nil {
		return nil, err
	}
	pixels, err := decode(content, size)
	if err != nil {
		return nil, &BadImageError{path, err}
	}
	return pixels, nil
}

// BadImageError says which file is no usable image, and why.
type BadImageError struct {
	Path string
	Err  error
}

// Error implements error.
func (e *BadImageError) Error() string { return fmt.Sprintf("data: %s: %v", e.Path, e.Err) }

// Unwrap gives the reason alone.
func (e *BadImageError) Unwrap() error { return e.Err }

// readImage reads a file. What is not a regular file, a pipe for example, might never end.
func readImage(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("data: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("data: %s is not a regular file", path)
	case info.Size() > maxFile:
		return nil, &BadImageError{path, fmt.Errorf("the file has %d bytes, more than the %d of any "+
			"image that is decoded", info.Size(), maxFile)}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return content, nil
}

// decode is DecodeImage on the bytes of a file.
func decode(content []byte, size int) ([]uint8, error) {
	f, cfg, err := inspect(content)
	if err != nil {
		return nil, err
	}
	if size == 0 {
		if size = cfg.Width; cfg.Width != cfg.Height {
			return nil, fmt.Errorf("the image is %dx%d, not square", cfg.Width, cfg.Height)
		}
	}
	img, err := f.decode(bytes.NewReader(content))
	if err != nil {
		return nil, damaged(err)
	}
	return planes(resize(square(img), size)), nil
}

// inspect recognises the format and reads the size of the image, without decoding it.
func inspect(content []byte) (format, image.Config, error) {
	if len(content) == 0 {
		return format{}, image.Config{}, errors.New("the file is empty")
	}
	for _, f := range formats {
		if !bytes.HasPrefix(content, []byte(f.magic)) {
			continue
		}
		cfg, err := f.config(bytes.NewReader(content))
		switch {
		case err != nil:
			return f, cfg, damaged(err)
		case cfg.Width < 1 || cfg.Height < 1:
			return f, cfg, fmt.Errorf("the image is %dx%d", cfg.Width, cfg.Height)
		case cfg.Width > maxPixels/cfg.Height:
			return f, cfg, fmt.Errorf("the image is %dx%d, more than the %d pixels that are decoded",
				cfg.Width, cfg.Height, maxPixels)
		}
		return f, cfg, nil
	}
	return format{}, image.Config{}, errors.New("not a PNG or JPEG image")
}

// damaged explains an error of a decoder.
func damaged(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("the image is truncated")
	}
	return fmt.Errorf("the image is damaged: %w", err)
}
