// Package terminal is what the commands print: progress bars, tables, numbers with units and one-line
// errors.
package terminal

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/tw"
	"github.com/schollz/progressbar/v3"
)

// Console prints what a command has to say: tables and results on standard output, messages and
// progress on standard error. With --json standard output carries one JSON value and nothing else.
type Console struct {
	out, Err       io.Writer
	machine, quiet bool
	bar            *progressbar.ProgressBar
	timed          bool // see TellsTime
	room           int  // columns for the description of the bar
	fixed          int  // width of the terminal in a test; 0: as it is
	log            *slog.Logger
}

// newConsole writes results to out and messages to err.
func New(out, err io.Writer, json, quiet bool) *Console {
	return &Console{out: out, Err: err, machine: json, quiet: quiet}
}

// Within is the console of a part of a command, whose results are not those of the command: its messages and its progress
// are shown, its tables and values are not.
func (p *Console) Within() *Console {
	part := *p
	part.out = io.Discard
	return &part
}

// Silent says whether nobody reads messages and progress.
func (p *Console) Silent() bool { return (p.quiet || p.machine) && p.log == nil }

// JSON says whether standard output carries JSON.
func (p *Console) JSON() bool { return p.machine }

// Say prints a message for the user.
func (p *Console) Say(format string, args ...any) {
	p.record(slog.LevelInfo, format, args...)
	if !p.quiet && !p.machine {
		fmt.Fprintf(p.Err, format+"\n", args...)
	}
}

// Warn prints what the user should look at, whoever reads the result.
func (p *Console) Warn(format string, args ...any) {
	p.record(slog.LevelWarn, format, args...)
	if !p.quiet {
		fmt.Fprintf(p.Err, "zos-ort: warning: "+format+"\n", args...)
	}
}

// Result prints a line of the result.
func (p *Console) Result(format string, args ...any) {
	p.record(slog.LevelInfo, format, args...)
	if !p.quiet && !p.machine {
		fmt.Fprintf(p.out, format+"\n", args...)
	}
}

// Value prints the result for machines.
func (p *Console) Value(v any) error {
	if !p.machine {
		return nil
	}
	e := json.NewEncoder(p.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// Table prints rows under a header.
func (p *Console) Table(header []string, rows [][]string) error {
	if p.machine || p.quiet {
		return nil
	}
	t := tablewriter.NewTable(p.out, tablewriter.WithHeaderAutoFormat(tw.Off))
	t.Header(header)
	if err := t.Bulk(rows); err != nil {
		return err
	}
	return t.Render()
}
