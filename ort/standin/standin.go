// Package standin lets ONNX Runtime's CUDA provider run on a machine without a GPU, for tests. It
// builds stand-ins for the libraries of CUDA, cuDNN and the driver, under which the real provider
// assigns nodes, allocates, copies and launches. Device memory is host memory. Our own kernels
// (ort/kernels/device) run on the CPU; all others do nothing, so the results of a program are
// arbitrary. Graphs are recorded and started. The stand-in counts the provider's requests.
package standin

import (
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"zos-ort/ort/kernels/device"
)

//go:embed testdata/*.c testdata/*.h
var sources embed.FS

// libraries maps each library to its sources. Each library versions its symbols with its name, as
// the originals do.
var libraries = map[string][]string{"libcuda.so.1": {"driver", "bfloat16"}, "libcudart.so.13": {"cudart"},
	"libcublas.so.13": {"cublas"}, "libcublasLt.so.13": {"cublas"}, "libcudnn.so.9": {"cudnn"},
	"libnvidia-ml.so.1": {"nvml"}, "libnccl.so.2": {"nccl"}}

// flags are those of the compiler.
const flags = "-std=gnu11 -O2 -Wall -Wno-unknown-pragmas -shared -fPIC"

// Environment variables of a process under the stand-in, besides ZOS_CUDA_PATH.
const (
	CountsVariable    = "STANDIN_COUNTS"     // the file of Counts
	BytesVariable     = "STANDIN_BYTES"      // memory of the card, 8 GB by default
	WorkspaceVariable = "STANDIN_WORKSPACE"  // scratch of a convolution in bytes, none by default
	ErrorVariable     = "STANDIN_ERROR"      // the driver's error
	IdleVariable      = "STANDIN_IDLE"       // set: our kernels do nothing either
	NoGraphsVariable  = "STANDIN_UNRECORDED" // set: kernels cannot be recorded
	SeedVariable      = "STANDIN_SEED"       // of the order in which the threads of our kernels run
)

// Build makes the libraries in a new folder, for ZOS_CUDA_PATH. It skips the test without a C
// compiler or a CUDA provider.
func Build(t testing.TB) (dir string) {
	t.Helper()
	return compile(t, libraries, device.Source)
}

// Driver makes the library of the driver alone, which runs a text of our kernels, and returns its path.
func Driver(t testing.TB, text string) (path string) {
	t.Helper()
	const name = "libcuda.so.1"
	return filepath.Join(compile(t, map[string][]string{name: libraries[name]}, text), name)
}

func compile(t testing.TB, libraries map[string][]string, text string) (dir string) {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skipf("skipped: there is no CUDA provider for %s on %s", runtime.GOOS, runtime.GOARCH)
	}
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("skipped: no C compiler")
	}
	dir = t.TempDir()
	kept := keepFolder(t, text)
	for library, parts := range libraries {
		from := filepath.Join(kept, library)
		if _, err := os.Stat(from); err != nil {
			writeHeaders(t, dir, text)
			if err := build(cc, dir, library, parts); err != nil {
				t.Fatal(err)
			}
			_ = keep(filepath.Join(dir, library), from) // the next test builds it again
			continue
		}
		content, err := os.ReadFile(from) // every test has files of its own, as a process loads a file once
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, library), content, 0o700)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// keepFolder is where the libraries of these sources and this text of kernels are kept, because to compile them takes
// seconds and a dozen tests ask for them. Folders of other sources go a week after their last library.
func keepFolder(t testing.TB, text string) string {
	t.Helper()
	sum := sha256.New()
	fmt.Fprint(sum, flags, text)
	err := fs.WalkDir(sources, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := sources.ReadFile(path)
		fmt.Fprint(sum, path, len(content), string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return t.TempDir() // kept for the test alone
	}
	all := filepath.Join(cache, "zos-ort", "standin")
	dir := filepath.Join(all, fmt.Sprintf("%x", sum.Sum(nil)[:8]))
	if os.MkdirAll(dir, 0o700) != nil {
		return t.TempDir()
	}
	entries, _ := os.ReadDir(all)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > 7*24*time.Hour && e.Name() != filepath.Base(dir) {
			_ = os.RemoveAll(filepath.Join(all, e.Name()))
		}
	}
	return dir
}

// keep copies a library to the place where it is kept. It is there whole or not at all.
func keep(library, to string) error {
	content, err := os.ReadFile(library)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(to), "new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), to)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// writeHeaders writes what the sources include.
func writeHeaders(t testing.TB, dir, text string) {
	t.Helper()
	files := map[string][]byte{"kernels.cu": []byte(text)}
	for _, name := range []string{"emulate.h", "counts.h"} {
		content, err := sources.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = content
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// version is a library's name without characters that a linker script does not allow.
func version(library string) string { return strings.ReplaceAll(library, "-", "_") }

func build(cc, dir, library string, parts []string) error {
	symbols := filepath.Join(dir, library+".map")
	args := append(strings.Fields(flags), "-Wl,-soname,"+library, "-Wl,--version-script,"+symbols, "-o",
		filepath.Join(dir, library))
	for _, part := range parts {
		code, err := sources.ReadFile("testdata/" + part + ".c")
		if err != nil {
			return err
		}
		file := filepath.Join(dir, part+".c")
		if err := os.WriteFile(file, code, 0o600); err != nil {
			return err
		}
		args = append(args, file)
	}
	if err := os.WriteFile(symbols, []byte(version(library)+" { global: *; };\n"), 0o600); err != nil {
		return err
	}
	out, err := exec.Command(cc, append(args, "-lm", "-ldl", "-lpthread")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the stand-in %s: %w\n%s", library, err, out)
	}
	return nil
}

// Counts holds the provider's requests to the stand-in, in bytes unless another unit is given.
type Counts struct {
	ToDevice, ToHost, OnDevice uint64 // copied
	Kernels                    uint64 // launched
	InUse, Peak                uint64 // of the device's memory
	Waits                      uint64 // number of waits of the host for the device
	Strays                     uint64 // number of uses of a stream other than the first
	Own                        uint64 // launched of our own kernels; Kernels counts them too
	Calls                      uint64 // number of calls of cuDNN and cuBLAS that compute: at least a kernel each
	Graphs                     uint64 // started
	Recorded                   uint64 // launches, copies and calls that became part of a graph
	Copies                     uint64 // number of copies that are not part of a graph
	_                          uint64
}

// Read reads the counts of a process from its file.
func Read(t testing.TB, path string) (c Counts) {
	t.Helper()
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		err = binary.Read(f, binary.LittleEndian, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Reset zeroes the counts of an idle process, and sets the peak to the memory in use.
func Reset(t testing.TB, path string) {
	t.Helper()
	now := Read(t, path)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		defer f.Close()
		err = binary.Write(f, binary.LittleEndian, Counts{InUse: now.InUse, Peak: now.InUse})
	}
	if err != nil {
		t.Fatal(err)
	}
}
