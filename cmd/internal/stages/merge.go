package stages

import (
	"errors"
	"fmt"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
)

// PartResult is what a pruning reports that ranks a shard.
type PartResult struct {
	Run      string `json:"run"`
	Round    int    `json:"round"`             // that is not complete
	Networks int    `json:"networks_known"`    // of this round, repeats counted
	All      int    `json:"networks_of_round"` // at most
}

// Shards are what runs of the parts of one pruning know together.
type Shards struct {
	Settings settings.Experiment // of the first run
	known    pruneCheckpoint
}

// ReadShards reads the runs of shards, whose settings must be the same.
func ReadShards(dirs []string, p *terminal.Console) (*Shards, error) {
	s := new(Shards)
	for i, dir := range dirs {
		var e settings.Experiment
		if err := rundir.Dir(dir).ReadSettings(settings.Schema, settings.Version, &e); err != nil {
			return nil, err
		}
		if i == 0 {
			s.Settings = e
		}
		var one pruneCheckpoint
		err := settings.Same(s.Settings, e)
		if err != nil {
			err = fmt.Errorf("its settings are not those of the others: %w", err)
		} else if _, ok, failed := rundir.Dir(dir).Checkpoints("prune").Load(&one, damaged(p)); failed != nil {
			err = failed
		} else if !ok {
			err = errors.New("it has no checkpoint of a pruning")
		} else {
			err = s.known.Merge(one.Progress)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot merge %s: %w", dir, err)
		}
		s.known.Seconds += one.Seconds
	}
	return s, nil
}

// Merge gives the pruning, which has not begun, what shards of it know.
func (r *Run) Merge(s *Shards) error {
	if s == nil || !r.leads() {
		return nil
	}
	if err := settings.Same(s.Settings, r.Experiment); err != nil {
		return fmt.Errorf("cannot merge: the shards were started with %w", err)
	}
	return r.Dir.Checkpoints("prune").Save(s.known.position(), s.known, nil)
}
