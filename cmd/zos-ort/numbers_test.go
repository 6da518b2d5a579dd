package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

// No number on the command line, however large, takes or creates anything: every command refuses it at once.
func TestAbsurdNumbers(t *testing.T) {
	t.Chdir(t.TempDir())
	tried := 0
	for _, cmd := range commands() {
		for _, f := range cmd.Flags {
			switch f.(type) {
			case *cli.IntFlag, *cli.IntSliceFlag:
			default:
				continue
			}
			for _, n := range []string{"1000000001", "9223372036854775807"} {
				var out, errs bytes.Buffer
				flag := "--" + f.Names()[0]
				start := time.Now()
				status := run([]string{"zos-ort", cmd.Name, flag, n}, &out, &errs)
				want := flag + " must be at most"
				if status != exitUsage || !strings.Contains(errs.String(), want) || time.Since(start) > 5*time.Second {
					t.Errorf("%s %s %s: status %d in %v, %q", cmd.Name, flag, n, status, time.Since(start), errs.String())
				}
				tried++
			}
		}
	}
	if tried < 100 {
		t.Errorf("%d numbers tried only", tried)
	}
	if left, err := os.ReadDir("."); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
