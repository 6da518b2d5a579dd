package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// event is one line of go test -json (go doc test2json).
type event struct {
	Action, Package, ImportPath, Test, Output string
}

// test is what one test has printed, and its fate: run, pass, fail or skip.
type test struct {
	name, action string
	output       strings.Builder
}

// pkg is a package whose tests are running.
type pkg struct {
	tests  []*test // in the order of their start; the first is the package itself, without a name
	byName map[string]*test
}

// report prints packages as they end. A test that passes prints nothing, as with go test.
type report struct {
	out      *bufio.Writer
	allowed  []*regexp.Regexp
	running  map[string]*pkg
	packages int
	failed   bool
}

func (r *report) read(events io.Reader) error {
	r.running = map[string]*pkg{}
	for lines := bufio.NewReader(events); ; {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			break
		}
		if err != nil && err != io.EOF {
			return err
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("not an event of go test -json: %q", line)
		}
		if err := r.take(e); err != nil {
			return err
		}
	}
	for name := range r.running {
		return fmt.Errorf("the events end before the tests of %s", name)
	}
	return nil
}

// take reads one event.
func (r *report) take(e event) error {
	if e.Action == "build-output" {
		_, err := r.out.WriteString(e.Output)
		return err
	}
	if e.Package == "" {
		return nil // the end of a build
	}
	p := r.running[e.Package]
	if p == nil {
		p = &pkg{byName: map[string]*test{}}
		r.running[e.Package] = p
		p.find("")
	}
	t := p.find(e.Test)
	switch e.Action {
	case "output":
		t.output.WriteString(e.Output)
	case "pass", "fail", "skip":
		t.action = e.Action
		if e.Test == "" {
			delete(r.running, e.Package)
			r.end(e.Package, p)
			return r.out.Flush()
		}
	}
	return nil
}

// find returns the test of a name, which it makes at its first event.
func (p *pkg) find(name string) *test {
	t := p.byName[name]
	if t == nil {
		t = &test{name: name, action: "run"}
		p.byName[name] = t
		p.tests = append(p.tests, t)
	}
	return t
}

// end prints what failed in a package, the skipped tests without leave, and the package's own last line.
func (r *report) end(name string, p *pkg) {
	r.packages++
	whole := p.tests[0]
	refused := 0
	for _, t := range p.tests[1:] {
		switch {
		case t.action == "fail", t.action == "run" && whole.action == "fail":
			r.out.WriteString(withoutRun(t.output.String()))
		case t.action == "skip" && !r.allows(reason(t.output.String())):
			refused++
			r.out.WriteString(withoutRun(t.output.String()))
			fmt.Fprintf(r.out, "    strict: no line of the list allows this reason to skip %s\n", t.name)
		}
	}
	text := whole.output.String()
	switch {
	case whole.action == "fail":
		r.out.WriteString(text)
	case refused > 0:
		fmt.Fprintf(r.out, "FAIL\nFAIL\t%s\t[%d skipped]\n", name, refused)
	default:
		r.out.WriteString(lastLine(text))
	}
	r.failed = r.failed || refused > 0 || whole.action == "fail"
}

func (r *report) allows(reason string) bool {
	for _, re := range r.allowed {
		if re.MatchString(reason) {
			return true
		}
	}
	return false
}

// withoutRun leaves out the lines that only go test -v prints.
func withoutRun(output string) string {
	var b strings.Builder
	for line := range strings.Lines(output) {
		if !strings.HasPrefix(line, "=== ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// reason is what a skipped test printed, without the lines of go test itself and the last line break, so
// that an expression can end in $.
func reason(output string) string {
	var b strings.Builder
	for line := range strings.Lines(withoutRun(output)) {
		if !strings.HasPrefix(strings.TrimSpace(line), "--- ") {
			b.WriteString(line)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// lastLine is the line with which go test ends a package that passes: ok, or that there are no tests.
func lastLine(output string) string {
	text := strings.TrimRight(output, "\n")
	if text == "" {
		return ""
	}
	return text[strings.LastIndexByte(text, '\n')+1:] + "\n"
}
