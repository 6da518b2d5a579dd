package settings

import (
	"strings"

	"zos-ort/cmd/internal/terminal"
)

// LimitNames are what a budget can limit, as --limit of zos-ort pareto has them.
var LimitNames = []string{"params", "macs", "latency"}

// With is the budget with one limit more.
func (b Budget) With(limit, most string) (Budget, error) {
	switch limit {
	case "params":
		b.Params = most
	case "macs":
		b.MACs = most
	case "latency":
		b.Latency = most
	default:
		return b, terminal.Usagef("unknown --limit %q: use %s", limit, strings.Join(LimitNames, " or "))
	}
	return b, nil
}
