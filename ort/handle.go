package ort

// #include "api.h"
import "C"

import (
	"fmt"
	"reflect"
	"unsafe"

	onnx "github.com/yalue/onnxruntime_go"
)

// Only this file reads the handles that onnxruntime_go v1.32.1 keeps private. The training API
// needs the session options; runs that neither allocate nor copy need the session. A field renamed
// in another version is an error, not a crash.

func optionsHandle(o *onnx.SessionOptions) (*C.OrtSessionOptions, error) {
	p, err := handle(o, "o")
	return (*C.OrtSessionOptions)(p), err
}

func runOptionsHandle(o *onnx.RunOptions) (*C.OrtRunOptions, error) {
	p, err := handle(o, "o")
	return (*C.OrtRunOptions)(p), err
}

func sessionHandle(s *onnx.DynamicAdvancedSession) (*C.OrtSession, error) {
	p, err := handle(s, "s", "ortSession")
	return (*C.OrtSession)(p), err
}

func cudaHandle(o *onnx.CUDAProviderOptions) (*C.OrtCUDAProviderOptionsV2, error) {
	p, err := handle(o, "o")
	return (*C.OrtCUDAProviderOptionsV2)(p), err
}

// handle follows pointer fields, exported or not.
func handle(from any, path ...string) (unsafe.Pointer, error) {
	v := reflect.ValueOf(from)
	for _, name := range path {
		if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
			return nil, fmt.Errorf("onnxruntime_go: no handle in %T (%s)", from, name)
		}
		v = v.Elem().FieldByName(name)
	}
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return nil, fmt.Errorf("onnxruntime_go: no handle in %T (%v)", from, path)
	}
	return v.UnsafePointer(), nil
}
