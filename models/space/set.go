package space

import "math/bits"

// Set is a set of operations of a space: bit i stands for the operation with the index i.
type Set uint32

// SetOf makes a set.
func SetOf(ps ...Primitive) Set {
	var s Set
	for _, p := range ps {
		s = s.With(p)
	}
	return s
}

// Has says whether p is in the set.
func (s Set) Has(p Primitive) bool { return s&(1<<p.Index()) != 0 }

// With is the set and p.
func (s Set) With(p Primitive) Set { return s | 1<<p.Index() }

// Without is the set less p.
func (s Set) Without(p Primitive) Set { return s &^ (1 << p.Index()) }

// Len is the number of members.
func (s Set) Len() int { return bits.OnesCount32(uint32(s)) }

// Empty says whether there are none.
func (s Set) Empty() bool { return s == 0 }

// Usable says whether the set has a member other than None.
func (s Set) Usable() bool { return !s.Without(None).Empty() }

// Index is the number of members that come before p: the position of p among the members, if it is
// one.
func (s Set) Index(p Primitive) int { return (s & (1<<p.Index() - 1)).Len() }

// Members lists the operations of a set in their order.
func (s *Space) Members(set Set) []Primitive {
	list := make([]Primitive, 0, set.Len())
	for _, p := range s.operations {
		if set.Has(p) {
			list = append(list, p)
		}
	}
	return list
}
