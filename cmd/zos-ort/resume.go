package main

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/ort"
)

func resumeFlag() cli.Flag {
	return &cli.StringFlag{Name: "resume", Usage: "go on with the interrupted run in `DIR`, with its settings"}
}

// resumedRun is the folder of --resume, if the flag is given.
func resumedRun(c *cli.Context) (rundir.Dir, error) {
	if c.IsSet("resume") && c.IsSet("out") {
		return "", terminal.Usagef("--resume writes into the folder of the run: leave --out away")
	}
	return rundir.Dir(c.String("resume")), nil
}

// openRun opens the runtime and the run directory of a command.
func openRun(c *cli.Context, settings any) (dir rundir.Dir, unlock func(), err error) {
	if err := ort.Open(""); err != nil {
		return "", nil, err
	}
	return rundir.Open(c.String("resume"), c.String("out"), c.Command.Name, settings)
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
