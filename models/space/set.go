package space

import (
	"math/bits"
	"strings"
)

// Set is a set of primitives: bit p stands for primitive p.
type Set uint8

// FullSet holds all primitives.
const FullSet Set = 1<<NumPrimitives - 1

// SetOf makes a set.
func SetOf(ps ...Primitive) Set {
	var s Set
	for _, p := range ps {
		s = s.With(p)
	}
	return s
}

// Has says whether p is in the set.
func (s Set) Has(p Primitive) bool { return s&(1<<p) != 0 }

// With is the set and p.
func (s Set) With(p Primitive) Set { return s | 1<<p }

// Without is the set less p.
func (s Set) Without(p Primitive) Set { return s &^ (1 << p) }

// Len is the number of members.
func (s Set) Len() int { return bits.OnesCount8(uint8(s)) }

// Empty says whether there are none.
func (s Set) Empty() bool { return s == 0 }

// Usable says whether the set has a member other than None, so that the edge can become a gene.
func (s Set) Usable() bool { return !s.Without(None).Empty() }

// Index is the number of members that come before p: the position of p among the members, if it is
// one.
func (s Set) Index(p Primitive) int { return (s & (1<<p - 1)).Len() }

// Primitives lists the members in the order of the constants.
func (s Set) Primitives() []Primitive {
	ps := make([]Primitive, 0, s.Len())
	for p := range Primitive(NumPrimitives) {
		if s.Has(p) {
			ps = append(ps, p)
		}
	}
	return ps
}

// String is for people: {none, sep_conv_3x3}.
func (s Set) String() string {
	names := make([]string, 0, s.Len())
	for _, p := range s.Primitives() {
		names = append(names, p.String())
	}
	return "{" + strings.Join(names, ", ") + "}"
}
