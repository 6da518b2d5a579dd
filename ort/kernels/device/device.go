// Package device holds the text of our CUDA kernels, and what NVRTC made of it: code for several
// generations of GPUs. make kernels-cuda compiles the text again. The program needs no compiler.
package device

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"io"
	"slices"
)

// Source is the text of the kernels.
//
//go:embed kernels.cu
var Source string

//go:embed images.tar.gz
var archive []byte

// Target is what the kernels are compiled for.
type Target struct {
	Name       string // as NVRTC says it
	Capability int    // 90 for compute capability 9.0
	PTX        bool   // for this capability and all later ones; the driver compiles it
	BFloat16   bool   // images are bfloat16
}

// Targets lists the A100 and later generations, and PTX for the others from Turing on, for images of
// both types.
var Targets = targets()

func targets() (list []Target) {
	for _, narrow := range []bool{false, true} {
		list = append(list, Target{"sm_80", 80, false, narrow}, Target{"sm_90", 90, false, narrow},
			Target{"sm_100", 100, false, narrow}, Target{"sm_120", 120, false, narrow},
			Target{"compute_75", 75, true, narrow})
	}
	return list
}

// File is the name of the target's entry in the archive.
func (t Target) File() string {
	if t.BFloat16 {
		return t.Name + "-bfloat16"
	}
	return t.Name
}

// narrowing is the first line of the text for bfloat16 images.
const narrowing = "#define ZOS_BFLOAT16\n"

// Image is the code for a target.
type Image struct {
	Target
	Code []byte
}

// sourceName is the entry of the archive with the hash of the text that the images were made of.
const sourceName = "kernels.cu.sha256"

// hash identifies a text.
func hash(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// Images reads the images, and checks that they were made of Source.
func Images() ([]Image, error) {
	files, err := unpack(archive)
	if err != nil {
		return nil, fmt.Errorf("images of the kernels: %w", err)
	}
	if string(files[sourceName]) != hash(Source) {
		return nil, fmt.Errorf("images of the kernels are of another text: run make kernels-cuda")
	}
	images := make([]Image, len(Targets))
	for i, t := range Targets {
		if images[i] = (Image{t, files[t.File()]}); len(images[i].Code) == 0 {
			return nil, fmt.Errorf("images of the kernels: %s is missing", t.File())
		}
	}
	return images, nil
}

func unpack(packed []byte) (map[string][]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	files, r := map[string][]byte{}, tar.NewReader(z)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return files, nil
		}
		if err == nil {
			files[h.Name], err = io.ReadAll(r)
		}
		if err != nil {
			return nil, err
		}
	}
}

// Pack makes the archive of images of a text. The same images give the same bytes.
func Pack(text string, images []Image) ([]byte, error) {
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(z)
	files := slices.Concat([]Image{{Target{Name: sourceName}, []byte(hash(text))}}, images)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.File(), Mode: 0o644, Size: int64(len(f.Code))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.Code); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	err = z.Close()
	return packed.Bytes(), err
}

// Compile makes the images of a text with a compiler.
func Compile(text string, compile func(text, target string, ptx bool) ([]byte, error)) ([]Image, error) {
	images := make([]Image, len(Targets))
	for i, t := range Targets {
		form := text
		if t.BFloat16 {
			form = narrowing + text
		}
		code, err := compile(form, t.Name, t.PTX)
		if err != nil {
			return nil, err
		}
		images[i] = Image{t, code}
	}
	return images, nil
}
