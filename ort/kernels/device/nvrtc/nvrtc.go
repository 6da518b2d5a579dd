// Package nvrtc compiles CUDA kernels with NVIDIA's run-time compiler, for make kernels-cuda and its test.
package nvrtc

// #cgo LDFLAGS: -ldl
// #include <dlfcn.h>
// #include <stdlib.h>
//
// static void *open_library(const char *path) { return dlopen(path, RTLD_NOW | RTLD_GLOBAL); }
// static int create(void *f, void **p, const char *text, const char *name) {
//   return ((int (*)(void **, const char *, const char *, int, const char **, const char **))f)(
//       p, text, name, 0, NULL, NULL);
// }
// static int compile(void *f, void *p, int n, char **options) {
//   return ((int (*)(void *, int, const char **))f)(p, n, (const char **)options);
// }
// static int size(void *f, void *p, size_t *n) { return ((int (*)(void *, size_t *))f)(p, n); }
// static int get(void *f, void *p, char *to) { return ((int (*)(void *, char *))f)(p, to); }
// static int destroy(void *f, void **p) { return ((int (*)(void **))f)(p); }
import "C"

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"
)

// Version is the compiler whose code is in the program; ../nvrtc.txt has the SHA-256 of its wheel.
const Version = "13.5.37"

// ErrMissing means that the compiler is not there.
var ErrMissing = errors.New("NVRTC is not set up: make kernels-cuda fetches it")

// Folder is where make kernels-cuda puts the compiler.
func Folder() (string, error) {
	cache := os.Getenv("ZOS_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		cache = filepath.Join(user, "zos-ort")
	}
	return filepath.Join(cache, "nvrtc", Version), nil
}

// Compiler is the loaded library.
type Compiler struct{ library unsafe.Pointer }

// Open loads the compiler from the folder of make kernels-cuda.
func Open() (Compiler, error) {
	dir, err := Folder()
	if err != nil {
		return Compiler{}, err
	}
	var c Compiler
	for _, name := range []string{"libnvrtc-builtins.so.13.5", "libnvrtc.so.13"} {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err != nil {
			return Compiler{}, ErrMissing
		}
		text := C.CString(path)
		c.library = C.open_library(text)
		C.free(unsafe.Pointer(text))
		if c.library == nil {
			return Compiler{}, fmt.Errorf("load %s: %s", path, C.GoString(C.dlerror()))
		}
	}
	return c, nil
}

func (c Compiler) find(name string) unsafe.Pointer {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	return C.dlsym(c.library, text)
}

// Compile compiles a text for a target: sm_90 gives a cubin, compute_75 gives PTX.
func (c Compiler) Compile(text, target string, ptx bool) ([]byte, error) {
	kind := "CUBIN"
	if ptx {
		kind = "PTX"
	}
	var f [6]unsafe.Pointer
	for i, name := range []string{"CreateProgram", "CompileProgram", "Get" + kind + "Size", "Get" + kind,
		"DestroyProgram", "GetProgramLogSize"} {
		if f[i] = c.find("nvrtc" + name); f[i] == nil {
			return nil, fmt.Errorf("NVRTC lacks nvrtc%s", name)
		}
	}
	source, name := C.CString(text), C.CString("kernels.cu")
	defer C.free(unsafe.Pointer(source))
	defer C.free(unsafe.Pointer(name))
	var program unsafe.Pointer
	if code := C.create(f[0], &program, source, name); code != 0 {
		return nil, fmt.Errorf("NVRTC gives error %d", code)
	}
	defer C.destroy(f[4], &program)
	options := (*[1]*C.char)(C.malloc(C.size_t(unsafe.Sizeof(uintptr(0)))))
	defer C.free(unsafe.Pointer(options))
	options[0] = C.CString("--gpu-architecture=" + target)
	defer C.free(unsafe.Pointer(options[0]))
	if code := C.compile(f[1], program, 1, &options[0]); code != 0 {
		log, err := read(f[5], c.find("nvrtcGetProgramLog"), program)
		return nil, errors.Join(fmt.Errorf("NVRTC gives error %d for %s: %s", code, target, log), err)
	}
	return read(f[2], f[3], program)
}

// read calls a pair of functions that give the size of something and the thing.
func read(size, get, program unsafe.Pointer) ([]byte, error) {
	var n C.size_t
	if code := C.size(size, program, &n); code != 0 {
		return nil, fmt.Errorf("NVRTC gives error %d", code)
	}
	to := C.malloc(n + 1)
	defer C.free(to)
	if code := C.get(get, program, (*C.char)(to)); code != 0 {
		return nil, fmt.Errorf("NVRTC gives error %d", code)
	}
	return C.GoBytes(to, C.int(n)), nil
}
