package check

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// record is the length of an edit: place, action, value.
const record = 2 + 1 + 4

// Mutate edits a message as a script says, so that a fuzzer changes its meaning where random bytes would only end
// in a syntax error. An edit sets a number, a name to another name of the message, cuts bytes, or drops or repeats
// a part.
func Mutate(m proto.Message, script []byte) {
	for ; len(script) >= record; script = script[record:] {
		e := editor{action: script[2], value: int32(binary.LittleEndian.Uint32(script[3:]))}
		e.walk(m.ProtoReflect())
		if len(e.places) == 0 {
			return
		}
		e.places[int(binary.LittleEndian.Uint16(script))%len(e.places)]()
	}
}

// editor collects everything in a message that can be edited.
type editor struct {
	action byte
	value  int32
	names  []string
	places []func()
}

func (e *editor) walk(m protoreflect.Message) {
	fields := m.Descriptor().Fields() // not m.Range, whose order changes: a script must always mean the same
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.IsMap() || !m.Has(f):
		case f.IsList():
			e.list(m, f, m.Mutable(f).List())
		default:
			e.scalar(m, f, m.Get(f))
		}
	}
}

func (e *editor) list(m protoreflect.Message, f protoreflect.FieldDescriptor, l protoreflect.List) {
	e.places = append(e.places, func() {
		switch e.action % 3 {
		case 0:
			m.Clear(f)
		case 1:
			l.Truncate(l.Len() / 2)
		case 2:
			for range min(l.Len(), 8) {
				l.Append(l.Get(int(uint32(e.value)) % l.Len()))
			}
		}
	})
	for i := range l.Len() {
		if f.Message() != nil {
			e.walk(l.Get(i).Message())
			continue
		}
		e.note(f, l.Get(i))
		e.places = append(e.places, func() {
			if i < l.Len() {
				l.Set(i, e.changed(f, l.Get(i)))
			}
		})
	}
}

func (e *editor) scalar(m protoreflect.Message, f protoreflect.FieldDescriptor, v protoreflect.Value) {
	if f.Message() != nil {
		e.walk(v.Message())
		e.places = append(e.places, func() { m.Clear(f) })
		return
	}
	e.note(f, v)
	e.places = append(e.places, func() {
		if e.action == math.MaxUint8 {
			m.Clear(f)
			return
		}
		m.Set(f, e.changed(f, v))
	})
}

// note remembers a name.
func (e *editor) note(f protoreflect.FieldDescriptor, v protoreflect.Value) {
	if f.Kind() == protoreflect.StringKind {
		e.names = append(e.names, v.String())
	}
}

// changed is another value of a field's kind.
func (e *editor) changed(f protoreflect.FieldDescriptor, v protoreflect.Value) protoreflect.Value {
	wide := int64(e.value) << (e.action % 40)
	switch f.Kind() {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(e.value >> (e.action % 32))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(wide)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(uint64(wide))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(math.Float32frombits(uint32(e.value)))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(float64(e.value))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(e.value >> (e.action % 32)))
	case protoreflect.StringKind:
		if e.action%4 == 0 {
			return protoreflect.ValueOfString("")
		}
		return protoreflect.ValueOfString(e.names[int(uint32(e.value))%len(e.names)])
	case protoreflect.BytesKind:
		b := v.Bytes()
		return protoreflect.ValueOfBytes(b[:int(uint32(e.value))%(len(b)+1)])
	}
	return v
}
