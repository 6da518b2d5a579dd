package rundir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/search/checkpoint"
)

// Only is the one file of the run whose name begins with prefix.
func (d Dir) Only(prefix string) (name string, err error) {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && name != "" {
			return "", fmt.Errorf("both %s and %s are in %s", name, e.Name(), d)
		} else if strings.HasPrefix(e.Name(), prefix) {
			name = e.Name()
		}
	}
	if name == "" {
		err = fmt.Errorf("the runtime left no %s... in %s", prefix, d)
	}
	return name, err
}

// Open opens the directory of a run to resume, or else creates one that holds the settings as
// config.json, and locks it until unlock is called.
func Open(resume, out, command string, settings any) (dir Dir, unlock func(), err error) {
	if dir = Dir(resume); dir == "" {
		if dir, err = Create(out, command); err != nil {
			return "", nil, err
		}
	}
	if unlock, err = lockDir(string(dir)); err != nil {
		return "", nil, err
	}
	if resume != "" {
		err = dir.sweep()
	} else {
		err = dir.WriteJSON("config.json", settings)
	}
	if err != nil {
		unlock()
		return "", nil, err
	}
	return dir, unlock, nil
}

// sweep removes the temporary files that a kill leaves.
func (d Dir) sweep() error {
	return filepath.WalkDir(string(d), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || !temporary.MatchString(e.Name()) {
			return err
		}
		return os.Remove(path)
	})
}

// temporary are the names of files that are still being written: a dot, their name, digits.
var temporary = regexp.MustCompile(`^\..*[0-9]+$`)

// Checkpoints are the positions of one part of a run.
func (d Dir) Checkpoints(part string) checkpoint.Store {
	if d == Nowhere {
		return checkpoint.Store{}
	}
	return checkpoint.Store{Dir: d.Path(filepath.Join("checkpoints", part))}
}

// Resumable tells how to resume a run that was interrupted, or for which the GPU's memory did not
// suffice; err is how it ended.
func (d Dir) Resumable(command string, p *terminal.Console, err error) error {
	if errors.Is(err, context.Canceled) && Exists(d.Path("checkpoints")) {
		p.Say("saved; resume with: zos-ort %s --resume %s", command, d)
	}
	var refused *terminal.Hinted
	if errors.As(err, &refused) && !refused.Final && Exists(d.Path("config.json")) {
		refused.Hint = fmt.Sprintf("nothing saved is lost: when more memory is free, resume with zos-ort %s --resume %s; "+
			"a smaller batch needs a new run", command, d)
		if Exists(d.Path("mask.json")) && Exists(d.Path("checkpoints/prune")) {
			refused.Hint += fmt.Sprintf(", and --mask %s reuses the pruning", d.Path("mask.json"))
		}
	}
	return err
}
