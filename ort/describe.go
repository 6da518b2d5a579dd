package ort

// #include "api.h"
import "C"

import "unsafe"

// Info describes a runtime library.
type Info struct {
	Path       string
	Version    string   // "1.28.0"
	Build      string   // ONNX Runtime's build information
	Providers  []string // execution providers it was built with, by priority
	APIVersion int      // the API that this package uses; 0 if the library lacks it
	Training   bool     // it has the training API
}

// Describe describes the open runtime or, if none is open, the one that Locate finds. On an error,
// it still sets the fields that it could determine.
func Describe() (Info, error) {
	e := &process
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open {
		return info(e.path, e.lib), nil
	}
	path, err := Locate()
	if err != nil {
		return Info{}, err
	}
	lib, err := load(path)
	defer C.zos_unload(&lib)
	return info(path, lib), err
}

func info(path string, lib C.zos_library) Info {
	i := Info{Path: path, Training: lib.training != nil}
	if lib.version != nil {
		i.Version = C.GoString(lib.version)
	}
	if lib.api == nil {
		return i
	}
	i.APIVersion = C.ZOS_API_VERSION
	i.Build = C.GoString(C.zos_build_info(&lib))
	var names **C.char
	var count C.int
	if s := C.zos_providers(&lib, &names, &count); s == nil && names != nil {
		for _, name := range unsafe.Slice(names, int(count)) {
			i.Providers = append(i.Providers, C.GoString(name))
		}
		C.zos_free_providers(&lib, names, count)
	}
	return i
}
