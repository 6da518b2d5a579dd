package ranking

import (
	"zos-ort/graphgen/scope"
	"zos-ort/models/space"
)

// has reports whether what is at a place of a supernet belongs to the network of a mask: everything but the
// operations of edges that the mask lacks. A pool that several edges share belongs to it if one of them has it.
func (s *Supernet) has(net space.Mask, place string) bool {
	at, ok := scope.ParseMixed(place)
	if !ok {
		return true
	}
	op, err := net.Space().Operation(at.Operation)
	if err != nil {
		return true
	}
	t := net.Space().TypeAt(at.Cell, s.Net.Cells)
	if at.Edge >= 0 {
		return net.At(t, at.Edge).Has(op)
	}
	for e, set := range net.Sets(t) {
		if net.Space().EdgeAt(e).Source == at.State && set.Has(op) {
			return true
		}
	}
	return false
}
