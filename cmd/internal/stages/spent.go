package stages

import (
	"fmt"

	"zos-ort/models/budget"
	"zos-ort/models/space"
)

// Spent is what the network that was found costs, of the most that it may.
type Spent struct {
	Name string  `json:"name"`
	Cost float64 `json:"cost"`
	Most float64 `json:"most"`
	text string
}

func spent(ls budget.Limits, g space.Genotype) (list []Spent) {
	for i, cost := range ls.Costs(g) {
		l := ls[i]
		list = append(list, Spent{l.Name, cost, l.Most, fmt.Sprintf("%s, of at most %s", l.Print(cost), l.Print(l.Most))})
	}
	return list
}
