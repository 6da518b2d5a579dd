package data

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"syscall"

	"zos-ort/models/safe"
	"zos-ort/search/data/jpeg"
)

// maxPixels bounds what is decoded: a file of some kilobytes can claim an image that no memory
// holds. A square of maxSide is as much.
const (
	maxSide   = 8192
	maxPixels = maxSide * maxSide
	maxFile   = 8 * maxPixels // four channels of 16 bits
)

// Decoding says how an image file becomes pixels.
type Decoding struct {
	// Size is the side of the square; 0 takes the image as it is, which must be square.
	Size int
	// IgnoreOrientation leaves an image as its file has it, however the camera notes that it was held.
	IgnoreOrientation bool
}

// DecodeImage reads an image file as training does, to [3, size, size] bytes: the square in the middle of the
// upright image, scaled to the side with the Catmull-Rom kernel. Grey, paletted, CMYK and 16-bit images become
// 8-bit RGB, and what is transparent lies on white; of an animation the first frame counts. A warning says what
// was wrong with a file that could be read all the same. An error names the file and what is wrong with it.
func DecodeImage(path string, d Decoding) (pixels []uint8, warning string, err error) {
	if d.Size < 0 || d.Size > maxSide {
		return nil, "", fmt.Errorf("data: image side is %d, want 1..%d, or 0 for the image's own", d.Size,
			maxSide)
	}
	content, err := readImage(path)
	if err != nil {
		return nil, "", err
	}
	return d.file(path, content)
}

// file is DecodeImage on a file that has been read.
func (d Decoding) file(path string, content []byte) (pixels []uint8, warning string, err error) {
	pixels, warning, err = d.decode(content)
	if err != nil {
		return nil, "", &BadImageError{path, err}
	}
	if warning != "" {
		warning = fmt.Sprintf("data: %s: %s", path, warning)
	}
	return pixels, warning, nil
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

// readImage reads a file. What cannot be read is a bad image, unless the fault is not the file's.
func readImage(path string) ([]byte, error) {
	err := checkRegular(path)
	if err == nil {
		var content []byte
		if content, err = os.ReadFile(path); err == nil {
			return content, nil
		}
	}
	for _, ours := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM} {
		if errors.Is(err, ours) {
			return nil, fmt.Errorf("data: %w", err)
		}
	}
	return nil, badImage(path, err)
}

// badImage says the path once, though errors of files have it as well.
func badImage(path string, err error) error {
	var inPath *fs.PathError
	if errors.As(err, &inPath) && inPath.Path == path {
		err = inPath.Err
	}
	return &BadImageError{path, err}
}

// checkRegular refuses what is no regular file, a pipe for example, which might never end, and what is too
// large for any image.
func checkRegular(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		if link, bad := os.Lstat(path); bad == nil && link.Mode()&fs.ModeSymlink != 0 {
			return errors.New("the link leads nowhere")
		}
		return err
	case !info.Mode().IsRegular():
		return errors.New("not a regular file")
	case info.Size() > maxFile:
		return fmt.Errorf("the file has %d bytes, more than the %d of any image that is decoded", info.Size(),
			maxFile)
	}
	return nil
}

// decode is DecodeImage on the bytes of a file. A panic of a decoder is an error: it has met what it does not
// expect.
func (d Decoding) decode(content []byte) (pixels []uint8, warning string, err error) {
	f, cfg, err := inspect(content)
	if err != nil {
		return nil, "", err
	}
	if d.Size == 0 {
		if d.Size = cfg.Width; cfg.Width != cfg.Height {
			return nil, "", fmt.Errorf("the image is %dx%d, not square", cfg.Width, cfg.Height)
		}
	}
	err = safe.Call(func() error {
		img, mended, err := f.decode(content)
		if err == nil {
			warning = mended
			turn := 1
			if f.exif != nil && !d.IgnoreOrientation {
				turn = orientation(f.exif(content))
			}
			pixels = planes(resize(square(img, turn), d.Size))
		}
		return err
	})
	if err != nil {
		return nil, "", damaged(err)
	}
	return pixels, warning, nil
}

// inspect recognises the format and reads the size of the image, without decoding it.
func inspect(content []byte) (f format, cfg image.Config, err error) {
	if f, err = recognise(content); err != nil {
		return f, cfg, err
	}
	err = safe.Call(func() (err error) { cfg, err = f.config(bytes.NewReader(content)); return err })
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

// damaged explains an error of a decoder.
func damaged(err error) error {
	if errors.Is(err, jpeg.ErrTruncated) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("the image is truncated")
	}
	return fmt.Errorf("the image is damaged: %v", err) // not %w: a decoder's panic is no defect of ours
}
