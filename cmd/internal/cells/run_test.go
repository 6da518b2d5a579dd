package cells

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"zos-ort/cmd/internal/host"
	"zos-ort/graphgen/check"
)

// A cell runs its phases one after the other and never again.
func TestRun(t *testing.T) {
	_, dir := prepared(t, phases("ok", "ok")...)
	for range 2 {
		c, err := runner(t).Run(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if c.State() != Done || c.Err() != "" {
			t.Fatalf("state %s, error %q", c.State(), c.Err())
		}
		for _, p := range c.Phases {
			if p.Attempts != 1 || p.PeakRSS < 1<<20 || p.Seconds <= 0 {
				t.Errorf("%s: %d attempts, peak %d bytes, %v s", p.Name, p.Attempts, p.PeakRSS, p.Seconds)
			}
			if !hasArgs(p.Result, "--from="+dir+"/x", "--threads", "2", filepath.Join(dir, p.Name)) {
				t.Errorf("%s was started with %s", p.Name, p.Result)
			}
		}
		if read := check.Must(ReadCell(dir))(t); read.State() != Done || !hasArgs(read.Phases[1].Result, "ok") {
			t.Errorf("the status file says %+v", read)
		}
	}
}

// A size that the program states counts, not that of the system, which includes the parent's.
func TestRunOwnSize(t *testing.T) {
	_, dir := prepared(t, phases("size")...)
	c, err := runner(t).Run(t.Context(), dir)
	if err != nil || c.Phases[0].PeakRSS != 12345 {
		t.Errorf("%v, %+v", err, c)
	}
}

// A child that fails leaves its reason; the phases after it do not run; the next attempt has a fresh
// folder and nothing of the first is lost.
func TestRunFailures(t *testing.T) {
	for act, want := range map[string]string{"fail": "no such thing: 7", "silent": "exit status 3",
		"killed": "killed (signal 9), perhaps for lack of memory", "garbage": "is not JSON"} {
		t.Run(act, func(t *testing.T) {
			c, dir := prepared(t, phases(act, "ok")...)
			for attempt := 1; attempt <= 2; attempt++ {
				if err := c.Prepare(rootOf(dir)); err != nil {
					t.Fatal(err)
				}
				var err error
				if c, err = runner(t).Run(t.Context(), dir); err != nil {
					t.Fatal(err)
				}
				if c.State() != Failed || !strings.HasSuffix(c.Err(), want) || c.Phases[0].Attempts != attempt ||
					c.Phases[1].State != Waiting {
					t.Errorf("attempt %d: %+v, want the error %q", attempt, c, want)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "phase0.aborted-1")); err != nil {
				t.Error(err)
			}
		})
	}
	missing := Runner{Program: filepath.Join(t.TempDir(), "missing")}
	_, dir := prepared(t, phases("ok")...)
	if c, err := missing.Run(t.Context(), dir); err != nil || !strings.Contains(c.Err(), "no such file") {
		t.Errorf("a missing program: %v, %+v", err, c)
	}
}

// An interrupt reaches the child, which saves; the cell is taken until the child has ended, and goes
// on later.
func TestRunInterrupted(t *testing.T) {
	_, dir := prepared(t, phases("wait", "ok")...)
	ready := filepath.Join(dir, "ready")
	if err := syscall.Mkfifo(ready, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan Cell)
	go func() {
		c, err := runner(t).Run(ctx, dir)
		if err != nil {
			t.Error(err)
		}
		ended <- c
	}()
	if _, err := os.ReadFile(ready); err != nil { // returns when the child has written
		t.Fatal(err)
	}
	_, err := runner(t).Run(t.Context(), dir)
	check.Error(t, err, "in use by process", dir)
	cancel()
	c := <-ended
	if c.State() != Interrupted || c.Err() != "" || c.Phases[1].State != Waiting {
		t.Errorf("after the interrupt: %+v", c)
	}
	if _, err := os.Stat(filepath.Join(dir, "saved")); err != nil {
		t.Errorf("the child did not save: %v", err)
	}
	if c, err = runner(t).Run(t.Context(), dir); err != nil || c.State() != Done || c.Phases[0].Attempts != 2 {
		t.Errorf("later: %v, %+v", err, c)
	}
	if !hasArgs(c.Phases[0].Result, "--resume", filepath.Join(dir, "phase0")) {
		t.Errorf("it went on with %s", c.Phases[0].Result)
	}
}

// A lock goes with the last process that has it.
func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	lock := check.Must(host.Lock(dir))(t)
	_, err := host.Lock(dir)
	check.Error(t, err, dir, "in use by process")
	lock.Close()
	check.Must(host.Lock(dir))(t).Close()
	_, err = host.Lock(filepath.Join(dir, "lock", "under-a-file"))
	check.Error(t, err, "lock: ")
}

// Once cancelled, nothing starts.
func TestRunCancelled(t *testing.T) {
	_, dir := prepared(t, phases("ok")...)
	ctx, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	c, err := runner(t).Run(ctx, dir)
	if err != nil || c.State() != Interrupted {
		t.Errorf("%v, %+v", err, c)
	}
}
