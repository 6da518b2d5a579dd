package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/tw"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// console prints what a command has to say: tables and results on standard output, messages and
// progress on standard error. With --json standard output carries one JSON value and nothing else.
type console struct {
	out, err    io.Writer
	json, quiet bool
	bar         *progressbar.ProgressBar
}

// newConsole writes results to out and messages to err.
func newTerminal(out, err io.Writer, json, quiet bool) *console {
	return &console{out: out, err: err, json: json, quiet: quiet}
}

// asJSON says whether standard output carries JSON.
func (p *console) asJSON() bool { return p.json }

// say prints a message for the user.
func (p *console) say(format string, args ...any) {
	if !p.quiet && !p.json {
		fmt.Fprintf(p.err, format+"\n", args...)
	}
}

// warn prints what the user should look at, whoever reads the result.
func (p *console) warn(format string, args ...any) {
	if !p.quiet {
		fmt.Fprintf(p.err, "zos-ort: warning: "+format+"\n", args...)
	}
}

// result prints a line of the result.
func (p *console) result(format string, args ...any) {
	if !p.quiet && !p.json {
		fmt.Fprintf(p.out, format+"\n", args...)
	}
}

// value prints the result for machines.
func (p *console) value(v any) error {
	if !p.json {
		return nil
	}
	e := json.NewEncoder(p.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// table prints rows under a header.
func (p *console) table(header []string, rows [][]string) error {
	if p.json || p.quiet {
		return nil
	}
	t := tablewriter.NewTable(p.out, tablewriter.WithHeaderAutoFormat(tw.Off))
	t.Header(header)
	if err := t.Bulk(rows); err != nil {
		return err
	}
	return t.Render()
}

// start shows a progress bar of n steps, unless standard error is not a terminal.
func (p *console) start(n int, what string) {
	p.stop()
	f, ok := p.err.(*os.File)
	if p.quiet || p.json || !ok || !term.IsTerminal(int(f.Fd())) {
		return
	}
	p.bar = progressbar.NewOptions(n, progressbar.OptionSetWriter(p.err),
		progressbar.OptionSetDescription(what), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
		progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionUseANSICodes(false),
		progressbar.OptionEnableColorCodes(os.Getenv("NO_COLOR") == ""))
}

// step moves the bar on; a description replaces the one before.
func (p *console) step(what string) {
	if p.bar == nil {
		return
	}
	if what != "" {
		p.bar.Describe(what)
	}
	_ = p.bar.Add(1)
}

// stop takes the bar away.
func (p *console) stop() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}
