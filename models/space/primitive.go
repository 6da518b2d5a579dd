package space

import "strings"

// Operation is a candidate operation of an edge, a sequence of parts. Operations are compared as pointers.
type Operation struct {
	name  string
	index int // among those of its space; 0 is None
	parts []Part
}

// Primitive is an operation, as DARTS calls it.
type Primitive = *Operation

// None is the operation that gives zeros. All spaces share it.
var None = &Operation{name: "none", parts: []Part{{Kind: Zero}}}

// String is the name that the field uses, such as sep_conv_3x3.
func (o *Operation) String() string {
	if o == nil {
		return None.name
	}
	return o.name
}

// MarshalText makes an operation its name in JSON, also as the key of a map.
func (o *Operation) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Index is the place of an operation among those of its space; that of None is 0, also where a space lacks it.
func (o *Operation) Index() int {
	if o == nil {
		return 0
	}
	return o.index
}

// Parts are what the operation consists of, in sequence.
func (o *Operation) Parts() []Part { return o.parts }

// joined lists names for an error text.
func joined(list []Primitive) string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.name
	}
	return strings.Join(names, ", ")
}

// The operations of DARTS.
var (
	MaxPool3x3  = DARTS.must("max_pool_3x3")
	AvgPool3x3  = DARTS.must("avg_pool_3x3")
	SkipConnect = DARTS.must("skip_connect")
	SepConv3x3  = DARTS.must("sep_conv_3x3")
	SepConv5x5  = DARTS.must("sep_conv_5x5")
	DilConv3x3  = DARTS.must("dil_conv_3x3")
	DilConv5x5  = DARTS.must("dil_conv_5x5")
)

// must gives an operation that the document of a shipped space has.
func (s *Space) must(name string) Primitive {
	p, err := s.Operation(name)
	if err != nil {
		panic(err)
	}
	return p
}

// IsSkip says whether an operation does nothing where the stride is 1: the known way in which DARTS fails is a cell
// full of them.
func (o *Operation) IsSkip() bool {
	return o != nil && len(o.parts) == 1 && o.parts[0].Kind == Identity
}

// IsNoise says whether an operation gives random numbers, others at every place.
func (o *Operation) IsNoise() bool { return o.starts(Noise) }

// IsPool says whether an operation pools, with no weights.
func (o *Operation) IsPool() bool { return o.starts(MaxPool, AvgPool) && !o.Weighs(1) }

func (o *Operation) starts(kinds ...Kind) bool {
	for _, k := range kinds {
		if o != nil && o.parts[0].Kind == k {
			return true
		}
	}
	return false
}
