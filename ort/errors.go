package ort

// #include "api.h"
import "C"

import (
	"errors"
	"fmt"
	"strings"
)

// The rules of this package. Its errors wrap one of these and add the numbers and the place;
// refusals by ONNX Runtime itself are an *Error.
var (
	ErrNoRuntime  = errors.New("no runtime: run make setup")
	ErrNoCUDA     = errors.New("no runtime for CUDA: run make setup-cuda")
	ErrNotRuntime = errors.New("not an ONNX Runtime library")
	ErrVersion    = errors.New("ONNX Runtime 1.28 is needed: run make setup")
	ErrNoTraining = errors.New("this ONNX Runtime was built without training: run make setup")
	ErrNotOpen    = errors.New("the runtime is not open")
	ErrInUse      = errors.New("in use")
	ErrClosed     = errors.New("used after close")
	ErrName       = errors.New("unknown or missing name")
	ErrType       = errors.New("wrong element type")
	ErrShape      = errors.New("wrong shape")
	ErrCheckpoint = errors.New("not a readable checkpoint")
	ErrModel      = errors.New("not a usable program")
	ErrGPUMemory  = errors.New("out of GPU memory")
)

// Code is ONNX Runtime's error code (OrtErrorCode).
type Code int

// The codes of ONNX Runtime 1.28. CodeUnknown is our own: onnxruntime_go, which creates inference
// sessions, passes on only the message.
const (
	CodeUnknown          Code = -1
	CodeFail             Code = 1
	CodeInvalidArgument  Code = 2
	CodeNoSuchFile       Code = 3
	CodeNoModel          Code = 4
	CodeEngineError      Code = 5
	CodeRuntimeException Code = 6
	CodeInvalidProtobuf  Code = 7
	CodeModelLoaded      Code = 8
	CodeNotImplemented   Code = 9
	CodeInvalidGraph     Code = 10
	CodeProviderFail     Code = 11
)

var codeNames = map[Code]string{CodeUnknown: "unknown", CodeFail: "fail",
	CodeInvalidArgument: "invalid argument", CodeNoSuchFile: "no such file",
	CodeNoModel: "no model", CodeEngineError: "engine error",
	CodeRuntimeException: "runtime exception", CodeInvalidProtobuf: "invalid protobuf",
	CodeModelLoaded: "model loaded", CodeNotImplemented: "not implemented",
	CodeInvalidGraph: "invalid graph", CodeProviderFail: "execution provider failed"}

func (c Code) String() string {
	if s, ok := codeNames[c]; ok {
		return s
	}
	return fmt.Sprintf("code %d", int(c))
}

// Error is a refusal by ONNX Runtime.
type Error struct {
	Code    Code
	Op      string // the attempted operation: "create trainer", "step", ...
	Message string // ONNX Runtime's own words
	Dump    string // file where the failing model was saved, if requested
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s: ONNX Runtime: %s: %s", e.Op, e.Code, e.Message)
	if e.Dump != "" {
		s += " (the model is in " + e.Dump + ")"
	}
	return s
}

// check turns a status into an error and releases it.
func check(op string, status *C.OrtStatus) error {
	if status == nil {
		return nil
	}
	e := &Error{Code: Code(C.zos_status_code(status)), Op: op,
		Message: strings.TrimSpace(C.GoString(C.zos_status_message(status)))}
	C.zos_status_release(status)
	return e
}
