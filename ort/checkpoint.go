package ort

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"

	flatbuffers "github.com/google/flatbuffers/go"
)

// The checkpoint format of ONNX Runtime's training API is a flatbuffer
// (ort_training_checkpoint.fbs, ort.fbs). Slots are the positions of the fields in their tables:
//
//	Checkpoint   version 0, module_state 1, optimizer_groups 2, property_bag 3
//	ModuleState  requires_grad_params 0, frozen_params 1, is_nominal_state 2, has_external_data 3
//	Tensor       name 0, doc_string 1, dims 2, data_type 3, raw_data 4
const (
	checkpointID      = "ODTC"
	checkpointVersion = 2
	// A flatbuffer ends at 2 GiB; this leaves room for names and tables.
	checkpointLimit = 1<<31 - 1<<24
)

// Param is a named float tensor.
type Param struct {
	Name  string
	Shape []int // row-major; empty for a scalar
	Data  []float32
	// Trainable marks requires_grad: ONNX Runtime then wants a gradient buffer in every
	// program. The parameters of our own programs are frozen; the graph overwrites them itself.
	Trainable bool
}

// checkParams checks that the parameters can form a checkpoint.
func checkParams(params []Param) error {
	seen, bytes := map[string]bool{}, 0
	for _, p := range params {
		n, err := elements(p.Shape)
		switch {
		case p.Name == "":
			return fmt.Errorf("checkpoint: %w: a parameter has none", ErrName)
		case seen[p.Name]:
			return fmt.Errorf("checkpoint: %w: %s is there twice", ErrName, p.Name)
		case err != nil || n != len(p.Data):
			return fmt.Errorf("checkpoint: %w: %s has shape %v and %d elements", ErrShape, p.Name,
				p.Shape, len(p.Data))
		}
		seen[p.Name] = true
		bytes += 4*n + 128 + len(p.Name)
	}
	if bytes > checkpointLimit {
		return fmt.Errorf("checkpoint: %w: %d bytes, at most %d", ErrCheckpoint, bytes,
			checkpointLimit)
	}
	return nil
}

// WriteCheckpoint writes parameters as a checkpoint that ONNX Runtime's training API loads. It
// needs no runtime. The same parameters in the same order give the same bytes.
func WriteCheckpoint(w io.Writer, params []Param) error {
	b, err := encodeCheckpoint(params)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

func encodeCheckpoint(params []Param) ([]byte, error) {
	if err := checkParams(params); err != nil {
		return nil, err
	}
	size := 1024
	for _, p := range params {
		size += 4*len(p.Data) + 256
	}
	b := flatbuffers.NewBuilder(size)
	var lists [2][]flatbuffers.UOffsetT // trainable, frozen
	for _, p := range params {
		kind := 1
		if p.Trainable {
			kind = 0
		}
		lists[kind] = append(lists[kind], tensorTable(b, p))
	}
	trainable := b.CreateVectorOfTables(lists[0])
	frozen := b.CreateVectorOfTables(lists[1])
	b.StartObject(4)
	b.PrependUOffsetTSlot(0, trainable, 0)
	b.PrependUOffsetTSlot(1, frozen, 0)
	module := b.EndObject()
	b.StartObject(4)
	b.PrependInt32Slot(0, checkpointVersion, 0)
	b.PrependUOffsetTSlot(1, module, 0)
	b.FinishWithFileIdentifier(b.EndObject(), []byte(checkpointID))
	return b.FinishedBytes(), nil
}

func tensorTable(b *flatbuffers.Builder, p Param) flatbuffers.UOffsetT {
	raw := make([]byte, 4*len(p.Data))
	for i, x := range p.Data {
		binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(x))
	}
	data := b.CreateByteVector(raw)
	b.StartVector(8, len(p.Shape), 8)
	for _, d := range slices.Backward(p.Shape) {
		b.PrependInt64(int64(d))
	}
	dims := b.EndVector(len(p.Shape))
	name := b.CreateString(p.Name)
	b.StartObject(6)
	b.PrependUOffsetTSlot(0, name, 0)
	b.PrependUOffsetTSlot(2, dims, 0)
	b.PrependInt32Slot(3, int32(Float), 0)
	b.PrependUOffsetTSlot(4, data, 0)
	return b.EndObject()
}
