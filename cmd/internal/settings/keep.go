package settings

import (
	"strings"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
	"zos-ort/models/space"
)

// kept are the operations that no edge loses.
func (e Experiment) kept() (set space.Set, err error) {
	if e.Ranking.Keep == "" {
		return 0, nil
	}
	for name := range strings.SplitSeq(e.Ranking.Keep, ",") {
		p, err := e.Space.Of().Operation(strings.TrimSpace(name))
		if err != nil {
			return 0, terminal.Usagef("--keep-operations: %w", err)
		}
		if p == space.None {
			return 0, terminal.Usagef("--keep-operations names operations that compute something: for none there is --keep-none")
		}
		set = set.With(p)
	}
	return set, nil
}

// checkKept refuses to keep more than the pruning may leave.
func (e Experiment) checkKept() error {
	set, err := e.kept()
	if err != nil || set.Empty() {
		return err
	}
	if e.Technique().Mask == method.ToOne && set.Len() > 1 {
		return terminal.Usagef("--keep-operations %s: method %s leaves one operation on every edge", e.Ranking.Keep, e.Method)
	}
	full, kept := e.Space.Of().FullMask(), 0
	for t, edge := range full.Places() {
		kept += max(1, (full.At(t, edge) & set).Len())
	}
	if least := float64(kept) / float64(full.Count()); e.Technique().Mask == method.Algorithm1 && e.Ranking.Xi < least {
		return terminal.Usagef("--keep-operations %s leaves at least %.3f of the operations: --xi %v cannot be reached", e.Ranking.Keep, least,
			e.Ranking.Xi)
	}
	return nil
}
