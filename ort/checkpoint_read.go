package ort

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"

	flatbuffers "github.com/google/flatbuffers/go"
)

// ReadCheckpoint reads the parameters of a checkpoint, trainable ones first. It needs no runtime.
// It skips optimizer groups and properties, which we do not write. It returns ErrCheckpoint for a
// file that is cut off, has another version or external data, or holds tensors other than float.
func ReadCheckpoint(r io.Reader) ([]Param, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return decodeCheckpoint(b)
}

// decodeCheckpoint relies on Go's bounds checks: the flatbuffers module has no verifier, and it
// panics on an offset outside the bytes.
func decodeCheckpoint(b []byte) (params []Param, err error) {
	defer func() {
		if r := recover(); r != nil {
			params, err = nil, fmt.Errorf("%w: an offset leads out of its %d bytes (%v)",
				ErrCheckpoint, len(b), r)
		}
	}()
	b = slices.Clip(b) // a slice expression may reach into the capacity
	if len(b) < 8 || !flatbuffers.BufferHasIdentifier(b, checkpointID) {
		return nil, fmt.Errorf("%w: %d bytes without the mark %s", ErrCheckpoint, len(b),
			checkpointID)
	}
	root := flatbuffers.Table{Bytes: b, Pos: flatbuffers.GetUOffsetT(b)}
	if v := root.GetInt32Slot(slot(0), 0); v != checkpointVersion {
		return nil, fmt.Errorf("%w: version %d, want %d", ErrCheckpoint, v, checkpointVersion)
	}
	module, ok := subtable(root, 1)
	if !ok {
		return nil, fmt.Errorf("%w: it has no module state", ErrCheckpoint)
	}
	if module.GetBoolSlot(slot(2), false) || module.GetBoolSlot(slot(3), false) {
		return nil, fmt.Errorf("%w: its parameters are elsewhere (nominal or external)",
			ErrCheckpoint)
	}
	if params, err = readTensors(module); err != nil {
		return nil, err
	}
	if err := checkParams(params); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	return params, nil
}

// readTensors reads the two lists of a module state.
func readTensors(module flatbuffers.Table) (params []Param, err error) {
	b, total := module.Bytes, 0
	for field, trainable := range []bool{true, false} {
		o := flatbuffers.UOffsetT(module.Offset(slot(field)))
		if o == 0 {
			continue
		}
		start, n := module.Vector(o), module.VectorLen(o)
		for i := range n {
			at := start + 4*flatbuffers.UOffsetT(i)
			t := flatbuffers.Table{Bytes: b, Pos: at + flatbuffers.GetUOffsetT(b[at:])}
			p, err := readTensor(t)
			if err != nil {
				return nil, err
			}
			// In a forged file tables may share their data: the tensors must not exceed
			// the file in total.
			if total += 4 * len(p.Data); total > len(b) {
				return nil, fmt.Errorf("%w: more data than its %d bytes", ErrCheckpoint, len(b))
			}
			p.Trainable = trainable
			params = append(params, p)
		}
	}
	return params, nil
}

func readTensor(t flatbuffers.Table) (Param, error) {
	var p Param
	if o := field(t, 0); o != 0 {
		p.Name = string(t.ByteVector(o + t.Pos))
	}
	if code := DType(t.GetInt32Slot(slot(3), 0)); code != Float {
		return p, fmt.Errorf("%w: %q: %w: %v, want float", ErrCheckpoint, p.Name, ErrType, code)
	}
	if o := field(t, 2); o != 0 {
		start, n := t.Vector(o), t.VectorLen(o)
		for i := range n {
			d := t.GetInt64(start + 8*flatbuffers.UOffsetT(i))
			p.Shape = append(p.Shape, int(d))
		}
	}
	var raw []byte
	if o := field(t, 4); o != 0 {
		raw = t.ByteVector(o + t.Pos)
	}
	if len(raw)%4 != 0 {
		return p, fmt.Errorf("%w: %q has %d bytes of float data", ErrCheckpoint, p.Name, len(raw))
	}
	p.Data = make([]float32, len(raw)/4)
	for i := range p.Data {
		p.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return p, nil
}

// slot is the offset of a field in a vtable, which starts with two sizes.
func slot(field int) flatbuffers.VOffsetT { return flatbuffers.VOffsetT(4 + 2*field) }

// field is the position of a field, relative to its table; 0 if it is not set.
func field(t flatbuffers.Table, n int) flatbuffers.UOffsetT {
	return flatbuffers.UOffsetT(t.Offset(slot(n)))
}

func subtable(t flatbuffers.Table, n int) (flatbuffers.Table, bool) {
	o := field(t, n)
	if o == 0 {
		return flatbuffers.Table{}, false
	}
	return flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(o + t.Pos)}, true
}
