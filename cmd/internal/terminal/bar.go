package terminal

import (
	"os"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Columns that a bar needs beside its description and the bar itself: percentage, count, speed and times.
const (
	barExtras = 46
	leastBar  = 10
	mostBar   = 40
	// Of a narrow terminal, which gets the percentage alone.
	narrowBar, narrowExtras = 6, 11
)

// TellsTime leaves predictions out of the bars: their descriptions say how long all takes, not one bar.
func (p *Console) TellsTime() { p.timed = true }

// Start shows a progress bar of n steps, or a spinner if n is negative, unless standard error is not a terminal.
func (p *Console) Start(n int, what string) {
	p.Stop()
	width, ok := p.width()
	if p.quiet || p.machine || !ok {
		return
	}
	// A line that is longer than the terminal is wide is broken, and nothing takes its first part away.
	bar := min(mostBar, max(leastBar, width-barExtras-utf8.RuneCountInString(what)))
	options := []progressbar.Option{progressbar.OptionSetWriter(p.Err), progressbar.OptionSetWidth(bar),
		progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(throttle), progressbar.OptionUseANSICodes(false),
		progressbar.OptionSetSpinnerChangeInterval(0), // a spinner that turns by itself never ends
		progressbar.OptionEnableColorCodes(os.Getenv("NO_COLOR") == "")}
	p.room = width - barExtras
	if n >= 0 { // a spinner leaves the place of the bar to its description
		p.room -= bar
	}
	if p.room < leastBar { // too narrow for all: the percentage is enough
		options = append(options, progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
			progressbar.OptionSetWidth(narrowBar))
		p.room = width - narrowBar - narrowExtras
	} else {
		options = append(options, progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetPredictTime(!p.timed))
	}
	p.bar = progressbar.NewOptions(n, append(options, progressbar.OptionSetDescription(clip(what, p.room)))...)
}

// throttle is the shortest time between two drawings of a bar.
const throttle = 100 * time.Millisecond

// width is that of the terminal, if standard error is one.
func (p *Console) width() (int, bool) {
	if p.fixed > 0 { // in a test
		return p.fixed, true
	}
	f, ok := p.Err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width = 80
	}
	return width, true
}

// clip shortens a text to a number of columns.
func clip(s string, columns int) string {
	if utf8.RuneCountInString(s) <= columns {
		return s
	}
	if columns < 2 {
		return ""
	}
	return string([]rune(s)[:columns-1]) + "…"
}

// Step moves the bar on; a description replaces the one before.
func (p *Console) Step(what string) {
	if p.bar == nil {
		return
	}
	if what != "" {
		p.bar.Describe(clip(what, p.room))
	}
	_ = p.bar.Add(1)
}

// Stop takes the bar away.
func (p *Console) Stop() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}
