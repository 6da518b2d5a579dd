package ort

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"

	"github.com/adrg/xdg"
)

// Version is the release of ONNX Runtime that this package is written for.
const Version = "1.28.0"

// PathVariable names the environment variable that overrides the search for the library.
const PathVariable = "ONNXRUNTIME_SHARED_LIBRARY_PATH"

// CacheDir returns the per-user cache folder: $ZOS_CACHE, else zos-ort in the XDG cache folder.
func CacheDir() string {
	if dir := os.Getenv("ZOS_CACHE"); dir != "" {
		return dir
	}
	if os.Getenv("HOME") == "" && os.Getenv("XDG_CACHE_HOME") == "" { // as in some containers and services
		if u, err := user.Current(); err == nil && u.HomeDir != "" {
			return filepath.Join(u.HomeDir, ".cache", "zos-ort")
		}
	}
	xdg.Reload()
	return filepath.Join(xdg.CacheHome, "zos-ort")
}

// Platform returns the name of this platform in the artefacts of org.bytedeco: linux-x86_64,
// linux-arm64, macosx-arm64, macosx-x86_64.
func Platform() string {
	system, machine := runtime.GOOS, runtime.GOARCH
	if system == "darwin" {
		system = "macosx"
	}
	if machine == "amd64" {
		machine = "x86_64"
	}
	return system + "-" + machine
}

// LibraryName returns the file name of the library in those artefacts.
func LibraryName() string {
	if runtime.GOOS == "darwin" {
		return "libonnxruntime.1.dylib"
	}
	return "libonnxruntime.so.1"
}

// Locate finds the library: $ONNXRUNTIME_SHARED_LIBRARY_PATH if set, else the path where make setup
// puts it, CacheDir/onnxruntime/Version/Platform/LibraryName. A missing file is ErrNoRuntime.
func Locate() (string, error) {
	if path := os.Getenv(PathVariable); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("%w, or unset %s (%v)", ErrNoRuntime, PathVariable, err)
		}
		return path, nil
	}
	path := filepath.Join(CacheDir(), "onnxruntime", Version, Platform(), LibraryName())
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%w (looked for %s)", ErrNoRuntime, path)
	}
	return path, nil
}

// CUDAPlatform is the name of the build with the CUDA provider; make setup-cuda puts it beside the
// CPU build.
const CUDAPlatform = "linux-x86_64-gpu"

// LocateCUDA finds the library of the build with the CUDA provider: that of
// $ONNXRUNTIME_SHARED_LIBRARY_PATH if the provider lies beside it, else the path where make
// setup-cuda puts it. A missing file is ErrNoCUDA.
func LocateCUDA() (string, error) {
	if path := os.Getenv(PathVariable); path != "" {
		if _, err := os.Stat(cudaProvider(path)); err == nil {
			return path, nil
		}
	}
	path := filepath.Join(CacheDir(), "onnxruntime", Version, CUDAPlatform, LibraryName())
	if _, err := os.Stat(cudaProvider(path)); err != nil {
		return "", fmt.Errorf("%w (looked for %s)", ErrNoCUDA, cudaProvider(path))
	}
	return path, nil
}

// CUDAProvider finds the library with the CUDA kernels.
func CUDAProvider() (string, error) {
	path, err := LocateCUDA()
	return cudaProvider(path), err
}

// cudaProvider returns the file from which the library at path loads its CUDA kernels.
func cudaProvider(path string) string {
	return filepath.Join(filepath.Dir(path), "libonnxruntime_providers_cuda.so")
}
