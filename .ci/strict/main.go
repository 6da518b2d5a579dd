// Command strict reads the events of go test -json, prints what go test would print, and fails where a
// test is skipped for a reason that no line of a list allows:
//
//	go test -json ./... | go run ./.ci/strict .ci/skips
//
// It exits with 1 where a test fails or is skipped without leave, and with 2 where it cannot tell.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "strict: usage: go test -json ./... | strict FILE")
		os.Exit(2)
	}
	ok, err := run(os.Args[1], os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintf(os.Stderr, "strict: %v\n", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// run reports whether every test passed or was skipped for a listed reason.
func run(list string, events io.Reader, out io.Writer) (ok bool, err error) {
	f, err := os.Open(list)
	if err != nil {
		return false, err
	}
	defer f.Close()
	allowed, err := readReasons(f)
	if err != nil {
		return false, fmt.Errorf("%s: %w", list, err)
	}
	w := bufio.NewWriter(out)
	r := report{out: w, allowed: allowed}
	err = r.read(events)
	if err == nil && r.packages == 0 {
		err = errors.New("no package was tested")
	}
	if r.failed {
		fmt.Fprintln(w, "FAIL")
	}
	return !r.failed, errors.Join(err, w.Flush())
}

// readReasons reads one regular expression a line. Empty lines and those that begin with # do not count.
func readReasons(f io.Reader) (list []*regexp.Regexp, err error) {
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		list = append(list, re)
	}
	return list, lines.Err()
}
