package main

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/ranks"
)

// logKey is where the application keeps the file of --log.
const logKey = "log"

// withLog opens the file of --log before a command begins, and after what it checks itself.
func withLog(cmd *cli.Command) {
	before := cmd.Before
	cmd.Before = func(c *cli.Context) error {
		if before != nil {
			if err := before(c); err != nil {
				return err
			}
		}
		path := c.String("log")
		if g, _ := ranksOf(c.App); path == "" || !ranks.Leads(g) {
			return nil
		}
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return fmt.Errorf("--log: %w", err)
		}
		c.App.Metadata[logKey] = f
		terminal.NewLog(f).Info("started", "command_line", os.Args)
		return nil
	}
}

// logOf is the open file of --log, nil without one.
func logOf(app *cli.App) *os.File {
	f, _ := app.Metadata[logKey].(*os.File)
	return f
}

// endLog writes how the command has ended.
func endLog(app *cli.App, err error) {
	f := logOf(app)
	if f == nil {
		return
	}
	defer f.Close()
	if err != nil {
		terminal.NewLog(f).Error(terminal.OneLine(err.Error()))
		return
	}
	terminal.NewLog(f).Info("ended")
}
