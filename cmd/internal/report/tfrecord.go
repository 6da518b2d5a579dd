package report

import (
	"encoding/binary"
	"hash/crc32"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is a message of Protocol Buffers as TensorBoard reads them (tensorboard/compat/proto).
type message []byte

func (m message) bytes(field protowire.Number, b []byte) message {
	return protowire.AppendBytes(protowire.AppendTag(m, field, protowire.BytesType), b)
}

func (m message) text(field protowire.Number, s string) message { return m.bytes(field, []byte(s)) }

func (m message) integer(field protowire.Number, x int64) message {
	return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), uint64(x))
}

func (m message) double(field protowire.Number, x float64) message {
	return protowire.AppendFixed64(protowire.AppendTag(m, field, protowire.Fixed64Type), math.Float64bits(x))
}

func (m message) float(field protowire.Number, x float64) message {
	return protowire.AppendFixed32(protowire.AppendTag(m, field, protowire.Fixed32Type), math.Float32bits(float32(x)))
}

// doubles is a packed list.
func (m message) doubles(field protowire.Number, list []float64) message {
	var packed []byte
	for _, x := range list {
		packed = protowire.AppendFixed64(packed, math.Float64bits(x))
	}
	return m.bytes(field, packed)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the checksum of TFRecord: a CRC-32C, rotated and shifted, so that checksums of data with checksums
// in it stay sound.
func masked(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// record appends a record of TFRecord: its length and its content, each with a checksum.
func record(file, content []byte) []byte {
	at := len(file)
	file = binary.LittleEndian.AppendUint64(file, uint64(len(content)))
	file = binary.LittleEndian.AppendUint32(file, masked(file[at:at+8]))
	file = append(file, content...)
	return binary.LittleEndian.AppendUint32(file, masked(content))
}
