package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/ort"
	"zos-ort/search/checkpoint"
)

func resumeFlag() cli.Flag {
	return &cli.StringFlag{Name: "resume", Usage: "go on with the interrupted run in `DIR`, with its settings"}
}

// resumedRun is the folder of --resume, if the flag is given.
func resumedRun(c *cli.Context) (runDir, error) {
	if c.IsSet("resume") && c.IsSet("out") {
		return "", terminal.Usagef("--resume writes into the folder of the run: leave --out away")
	}
	return runDir(c.String("resume")), nil
}

// openRun opens the runtime and the run directory, that of --resume or a new one with the settings in
// it, and locks it until unlock is called.
func openRun(c *cli.Context, settings any) (dir runDir, unlock func(), err error) {
	if err := ort.Open(""); err != nil {
		return "", nil, err
	}
	if dir = runDir(c.String("resume")); dir == "" {
		if dir, err = createRunDir(c.String("out"), c.Command.Name); err != nil {
			return "", nil, err
		}
	}
	if unlock, err = lockDir(string(dir)); err != nil {
		return "", nil, err
	}
	if c.IsSet("resume") {
		err = dir.sweep()
	} else {
		err = dir.writeJSON("config.json", settings)
	}
	if err != nil {
		unlock()
		return "", nil, err
	}
	return dir, unlock, nil
}

// sweep removes the temporary files that a kill leaves.
func (d runDir) sweep() error {
	return filepath.WalkDir(string(d), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || !temporary.MatchString(e.Name()) {
			return err
		}
		return os.Remove(path)
	})
}

// temporary are the names of files that are still being written: a dot, their name, digits.
var temporary = regexp.MustCompile(`^\..*[0-9]+$`)

// checkpoints are the positions of one part of a run.
func (d runDir) checkpoints(part string) checkpoint.Store {
	return checkpoint.Store{Dir: d.path(filepath.Join("checkpoints", part))}
}

// resumable tells how to go on with a run that was interrupted, or for which the GPU's memory did not
// suffice; err is how it ended.
func (d runDir) resumable(c *cli.Context, p *terminal.Console, err error) error {
	if errors.Is(err, context.Canceled) && exists(d.path("checkpoints")) {
		p.Say("saved; go on with: zos-ort %s --resume %s", c.Command.Name, d)
	}
	var refused *terminal.Hinted
	if errors.As(err, &refused) && exists(d.path("config.json")) {
		refused.Hint = fmt.Sprintf("what was saved is whole: when there is more memory, zos-ort %s --resume %s "+
			"goes on; with a smaller batch it is another run", c.Command.Name, d)
		if exists(d.path("mask.json")) && exists(d.path("checkpoints/prune")) {
			refused.Hint += fmt.Sprintf(", for which --mask %s spares the pruning", d.path("mask.json"))
		}
	}
	return err
}

// goesOn tells where a resumed run starts.
func goesOn(p *terminal.Console, epoch, step, epochs int) {
	if epoch == epochs {
		p.Say("all epochs are done")
		return
	}
	p.Say("going on with epoch %d, step %d", epoch+1, step+1)
}

// damaged tells of a checkpoint that cannot be used.
func damaged(p *terminal.Console) func(error) {
	return func(err error) { p.Say("%v: going back to the one before", err) }
}

// sameSettings compares the settings of a run with those that it would be resumed with, and names the
// first that differs. Where the data lies may change, for its fingerprint says what it is, and so may the
// version of the program.
func sameSettings(before, now any) error {
	free := []string{"data", "data_name", "program"}
	a, b := reflect.ValueOf(before), reflect.ValueOf(now)
	for _, field := range reflect.VisibleFields(a.Type()) {
		key := field.Tag.Get("json")
		if key == "" || slices.Contains(free, key) {
			continue
		}
		x, y := a.FieldByIndex(field.Index).Interface(), b.FieldByIndex(field.Index).Interface()
		if !reflect.DeepEqual(x, y) {
			return fmt.Errorf("cannot resume: the run was started with %s %v, now it would be %v", key, x, y)
		}
	}
	return nil
}
