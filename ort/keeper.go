package ort

// #include "api.h"
import "C"

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// ready makes sure that ONNX Runtime can copy parameters of the state. The caller holds its lock.
func (s *State) ready() error {
	if s.copies {
		return nil
	}
	s.dropKeeper()
	options, handle, err := Options{Threads: 1, Providers: s.providers, CUDA: s.cuda,
		ConfigEntries: map[string]string{noFallback: "0"}}.build()
	if err != nil {
		return err
	}
	defer options.Destroy()
	model := keeperModel()
	err = check("make state readable", C.zos_trainer_create(process.env, handle, s.state,
		bytesOf(model), bytesOf(nil), bytesOf(nil), &s.keeper))
	s.copies = err == nil
	return err
}

func (s *State) dropKeeper() {
	if s.keeper != nil {
		C.zos_trainer_release(s.keeper)
		s.keeper, s.copies = nil, false
	}
}

// keeperModel is the smallest program: it returns its input lazy_reset_grad, and never runs. Field
// numbers are those of onnx.proto.
func keeperModel() []byte {
	message := func(fields ...[]byte) (b []byte) {
		for _, f := range fields {
			b = append(b, f...)
		}
		return b
	}
	bytes := func(field protowire.Number, v []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), v)
	}
	text := func(field protowire.Number, v string) []byte { return bytes(field, []byte(v)) }
	number := func(field protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), v)
	}
	value := func(field protowire.Number, name string) []byte { // a boolean scalar
		shape := bytes(2, nil)
		tensor := bytes(1, message(number(1, uint64(Bool)), shape))
		return bytes(field, message(text(1, name), bytes(2, tensor)))
	}
	node := bytes(1, message(text(1, lazyReset), text(2, "out"), text(4, "Identity")))
	graph := bytes(7, message(node, text(2, "keeper"), value(11, lazyReset), value(12, "out")))
	return message(number(1, 8), graph, bytes(8, number(2, 17)))
}
