package space

import (
	"fmt"
	"strings"
)

// Primitive is a candidate operation of an edge.
type Primitive uint8

// The primitives in the order of DARTS. The order decides ties and the layout of Alphas; files
// name the operations instead.
const (
	None Primitive = iota
	MaxPool3x3
	AvgPool3x3
	SkipConnect
	SepConv3x3
	SepConv5x5
	DilConv3x3
	DilConv5x5
)

// NumPrimitives is the number of candidates on an edge of the whole space.
const NumPrimitives = 8

// Array, not slice: it cannot be changed in length and its type checks that no name is missing.
var primitiveNames = [NumPrimitives]string{
	None:        "none",
	MaxPool3x3:  "max_pool_3x3",
	AvgPool3x3:  "avg_pool_3x3",
	SkipConnect: "skip_connect",
	SepConv3x3:  "sep_conv_3x3",
	SepConv5x5:  "sep_conv_5x5",
	DilConv3x3:  "dil_conv_3x3",
	DilConv5x5:  "dil_conv_5x5",
}

// String is the name that the field uses, such as sep_conv_3x3.
func (p Primitive) String() string {
	if p >= NumPrimitives {
		return fmt.Sprintf("primitive(%d)", uint8(p))
	}
	return primitiveNames[p]
}

// ParsePrimitive is the inverse of String. The error of an unknown name lists the known ones.
func ParsePrimitive(name string) (Primitive, error) {
	for p, known := range primitiveNames {
		if name == known {
			return Primitive(p), nil
		}
	}
	return 0, fmt.Errorf("unknown operation %q: use one of %s",
		name, strings.Join(primitiveNames[:], ", "))
}

// MarshalText makes a primitive its name in JSON, also as the key of a map.
func (p Primitive) MarshalText() ([]byte, error) {
	if p >= NumPrimitives {
		return nil, fmt.Errorf("operation: there are %d, not one with the number %d", NumPrimitives, p)
	}
	return []byte(p.String()), nil
}

// UnmarshalText reads a name.
func (p *Primitive) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePrimitive(string(text))
	return err
}
