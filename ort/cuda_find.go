package ort

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// CUDALibrary is a file that the CUDA provider needs besides ONNX Runtime, and where it was found.
type CUDALibrary struct {
	Name string
	From string // the package that brings it
	Path string // empty if it was not found
}

// cudaDriver is the driver's library, which comes with the driver and not with CUDA.
const cudaDriver = "libcuda.so.1"

// cudaLibraries lists the required libraries in loading order: each may need those before it. The
// names are the NEEDED entries of libonnxruntime_providers_cuda.so.
var cudaLibraries = []CUDALibrary{
	{Name: cudaDriver, From: "the NVIDIA driver, 580 or later"},
	{Name: CUDART, From: "pip install nvidia-cuda-runtime"},
	{Name: "libcublasLt.so.13", From: "pip install nvidia-cublas"},
	{Name: "libcublas.so.13", From: "pip install nvidia-cublas"},
	{Name: "libcudnn.so.9", From: "pip install nvidia-cudnn-cu13"},
}

// CUDART is the library through which sessions and sums reach a GPU.
const CUDART = "libcudart.so.13"

// NCCLLibrary sums vectors of several GPUs. Only ranks of MPI on GPUs use it, and do without it where it is missing.
var NCCLLibrary = CUDALibrary{Name: "libnccl.so.2", From: "pip install nvidia-nccl-cu13"}

// CUDAPathVariable names the environment variable that replaces the folders searched for the
// libraries of CUDA: a list like PATH.
const CUDAPathVariable = "ZOS_CUDA_PATH"

// CUDAFolders returns the folders to search for the libraries of CUDA: $ZOS_CUDA_PATH if set, else
// those of LD_LIBRARY_PATH, the system's, and the nvidia-* wheels of every python3 on PATH.
func CUDAFolders() []string {
	if path, ok := os.LookupEnv(CUDAPathVariable); ok {
		return filepath.SplitList(path)
	}
	folders := filepath.SplitList(os.Getenv("LD_LIBRARY_PATH"))
	folders = append(folders, loaderFolders("/etc/ld.so.conf.d/*.conf")...)
	folders = append(folders, "/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib",
		"/usr/local/cuda/lib64", "/usr/local/nvidia/lib64", "/usr/lib/wsl/lib")
	for _, bin := range filepath.SplitList(os.Getenv("PATH")) {
		python := filepath.Join(bin, "python3")
		if _, err := os.Stat(python); err != nil {
			continue
		}
		for _, packages := range []string{"lib/python3*/site-packages", "lib/python3*/dist-packages",
			"lib/python3/dist-packages"} {
			found, _ := filepath.Glob(filepath.Join(filepath.Dir(bin), packages, "nvidia/*/lib"))
			folders = append(folders, found...)
		}
	}
	return folders
}

// loaderFolders returns the folders listed in the dynamic loader's configuration files.
func loaderFolders(pattern string) (folders []string) {
	files, _ := filepath.Glob(pattern)
	for _, f := range files {
		b, _ := os.ReadFile(f)
		for line := range strings.Lines(string(b)) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "/") {
				folders = append(folders, line)
			}
		}
	}
	return folders
}

// FindCUDA looks for the libraries of CUDA and of the driver; it takes the first of several.
func FindCUDA(folders []string) []CUDALibrary {
	list := slices.Clone(cudaLibraries)
	for i := range list {
		list[i].find(folders)
	}
	return list
}

// FindNCCL looks for NCCL beside the libraries of CUDA.
func FindNCCL(folders []string) CUDALibrary {
	l := NCCLLibrary
	l.find(folders)
	return l
}

// find sets the path to the first of several.
func (l *CUDALibrary) find(folders []string) {
	for _, dir := range folders {
		path := filepath.Join(dir, l.Name)
		if _, err := os.Stat(path); err == nil {
			l.Path = path
			return
		}
	}
}
