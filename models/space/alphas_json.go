package space

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// MarshalJSON writes {"schema":"zos-ort/alphas","version":1,"normal":[...],"reduce":[...]} with a
// list of [operation, number] pairs for every edge; with edge weights also "normal_edges"
// and "reduce_edges", a number for every edge. A space other than DARTS stands before them. Numbers come back bit by bit; NaN and infinities are errors.
func (a *Alphas) MarshalJSON() ([]byte, error) {
	for i, v := range a.values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("alphas: number %d of %d is %v", i, len(a.values), v)
		}
	}
	var b bytes.Buffer
	header(&b, "alphas", a.mask.Space())
	for _, t := range a.mask.Space().types {
		fmt.Fprintf(&b, ",\n  %q: [", t.String())
		for e := range a.mask.Sets(t) {
			b.WriteString(listComma(e) + "[")
			for i, p := range a.mask.Primitives(t, e) {
				if i > 0 {
					b.WriteString(", ")
				}
				fmt.Fprintf(&b, "[%q, %s]", p.String(), number(a.Row(t, e)[i]))
			}
			b.WriteString("]")
		}
		b.WriteString("\n  ]")
	}
	for _, t := range a.mask.Space().types {
		if !a.HasEdgeWeights() {
			break
		}
		fmt.Fprintf(&b, ",\n  %q: [", edgesKey(t))
		for e, v := range a.Edge(t) {
			b.WriteString(listComma(e) + number(v))
		}
		b.WriteString("\n  ]")
	}
	b.WriteString("\n}\n")
	return b.Bytes(), nil
}

func edgesKey(t CellType) string { return t.String() + "_edges" }

// number is the shortest decimal form that reads back as the same float64.
func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// UnmarshalJSON reads what MarshalJSON writes. The operations listed are the mask.
func (a *Alphas) UnmarshalJSON(data []byte) error {
	var rows [2][][]named
	var edges [2][]json.RawMessage
	s, err := readObject("alphas", data, func(s *Space) []field {
		return append(byType(s, &rows, CellType.String, false), byType(s, &edges, edgesKey, true)...)
	})
	if err != nil {
		return err
	}
	mask, err := s.maskOfRows(rows)
	if err != nil {
		return err
	}
	read := NewAlphas(mask, edges[Normal] != nil || edges[Reduce] != nil)
	for _, t := range s.types {
		for e, row := range rows[t] {
			for _, n := range row {
				if err := decode(n.value, &read.Row(t, e)[mask.At(t, e).Index(s.find(n.name))]); err != nil {
					return fmt.Errorf("alphas: %v is not a number: %w (%s)", n.name, err, edgePlace(t, e))
				}
			}
		}
		if err := readEdges(read.Edge(t), edges[t], t); err != nil {
			return err
		}
	}
	*a = *read
	return nil
}

func (s *Space) maskOfRows(rows [2][][]named) (Mask, error) {
	var names [2][][]string
	for t := range rows {
		names[t] = make([][]string, len(rows[t]))
		for e, row := range rows[t] {
			for _, n := range row {
				names[t][e] = append(names[t][e], n.name)
			}
		}
	}
	mask, err := s.ParseMask(names)
	if err != nil {
		return Mask{}, fmt.Errorf("alphas: %w", err)
	}
	return mask, nil
}

func readEdges(dst []float64, list []json.RawMessage, t CellType) error {
	if len(list) != len(dst) {
		return fmt.Errorf("alphas: %s has %d numbers, wants %d", edgesKey(t), len(list), len(dst))
	}
	for e, raw := range list {
		if err := decode(raw, &dst[e]); err != nil {
			return fmt.Errorf("alphas: the edge weight is not a number: %w (%s)", err, edgePlace(t, e))
		}
	}
	return nil
}
