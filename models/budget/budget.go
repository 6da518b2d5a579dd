// Package budget keeps derived networks within limits: on their weights, their multiply-accumulates, their latency, or
// whatever else is a sum over the genes of a genotype.
package budget

import (
	"fmt"
	"strings"

	"zos-ort/models/space"
)

// Limit is the most that a derived network may cost.
type Limit struct {
	Name  string // what is limited, as people say it
	Most  float64
	Costs *space.Costs
	Print func(float64) string // of a cost, with its unit
}

// within reports whether a cost meets the limit. Sums of measured costs come in different orders, so the last digits
// do not count.
func (l Limit) within(cost float64) bool { return cost <= l.Most*(1+1e-9) }

// Met reports whether the network of a genotype meets the limit.
func (l Limit) Met(g space.Genotype) bool { return l.within(l.Costs.Of(g)) }

// Limits hold together.
type Limits []Limit

// Met reports whether the network of a genotype meets all limits.
func (ls Limits) Met(g space.Genotype) bool {
	for _, l := range ls {
		if !l.Met(g) {
			return false
		}
	}
	return true
}

// Admits reports whether a mask holds a genotype that meets all limits.
func (ls Limits) Admits(m space.Mask) bool {
	switch len(ls) {
	case 0:
		return true
	case 1:
		return ls[0].within(ls[0].least(m))
	}
	_, ok := ls.solve(new(space.Scores), m)
	return ok
}

// Check refuses limits that no genotype of a mask meets, with the costs that there are.
func (ls Limits) Check(m space.Mask) error {
	for _, l := range ls {
		if least, most := l.Range(m); !l.within(least) {
			return fmt.Errorf("no network has at most %s: the smallest has %s, the largest %s", l.Print(l.Most),
				l.Print(least), l.Print(most))
		}
	}
	if !ls.Admits(m) {
		return fmt.Errorf("no network has %s at once, though each of the limits can be met", ls)
	}
	return nil
}

// String lists the limits.
func (ls Limits) String() string {
	var list []string
	for _, l := range ls {
		list = append(list, "at most "+l.Print(l.Most))
	}
	return strings.Join(list, " and ")
}

// least is the least that a genotype of a mask costs.
func (l Limit) least(m space.Mask) float64 {
	least := l.Costs.Fixed
	for _, n := range nodesOf(m) {
		least += n.least(&l.Costs.Genes)
	}
	return least
}

// Range is the least and the most that a genotype of a mask costs.
func (l Limit) Range(m space.Mask) (least, most float64) {
	least, most = l.Costs.Fixed, l.Costs.Fixed
	for _, n := range nodesOf(m) {
		least, most = least+n.least(&l.Costs.Genes), most+n.most(&l.Costs.Genes)
	}
	return least, most
}

// Costs are what the network of a genotype costs, limit by limit.
func (ls Limits) Costs(g space.Genotype) (list []float64) {
	for _, l := range ls {
		list = append(list, l.Costs.Of(g))
	}
	return list
}
