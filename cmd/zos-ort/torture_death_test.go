package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// deaths is how many every victim dies: ZOS_DEATHS, which make torture sets, or a few.
func deaths(t *testing.T) int {
	t.Helper()
	n := 4
	if text := os.Getenv("ZOS_DEATHS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatalf("ZOS_DEATHS: %v", err)
		}
	}
	return n
}

// faultsProgram compiles the program that makes system calls fail; "" where it cannot be used.
func faultsProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "faults")
	if out, err := exec.Command("cc", "-O1", "-o", path, "testdata/torture/faults.c").CombinedOutput(); err != nil {
		t.Logf("no faults, kills alone: %v\n%s", err, out)
		return ""
	}
	if err := exec.Command(path, "remove", "5", "1", "on", "true").Run(); err != nil {
		t.Logf("no faults, kills alone: this system does not let system calls fail (%v)", err)
		return ""
	}
	return path
}

// calls are the kinds of system calls that fail, and how many of each a run makes at most. A limit on the size of files
// (in blocks of 512 bytes, most files are smaller) cuts a write short before the next one fails.
var calls = map[string]int{"write": 60, "fsync": 25, "rename": 25, "create": 60, "remove": 20, "size": 100}

// tally is how many deaths there were of each kind.
type tally map[string]int

// add prints the deaths of a victim and adds them.
func (a tally) add(t *testing.T, b tally) {
	t.Helper()
	t.Log(b)
	for kind, n := range b {
		a[kind] += n
	}
}

func (a tally) total() (n int) {
	for _, of := range a {
		n += of
	}
	return n
}

func (a tally) String() string {
	text := fmt.Sprintf("%d deaths", a.total())
	for _, kind := range slices.Sorted(maps.Keys(a)) {
		text += fmt.Sprintf(", %s %d", kind, a[kind])
	}
	return text
}

// death is one end of a process, drawn at random.
type death struct {
	call  string // "" for a kill
	errno syscall.Errno
	nth   int
	on    bool
	after time.Duration
}

func (d death) String() string {
	switch d.call {
	case "":
		return fmt.Sprintf("killed after %v", d.after)
	case "size":
		return fmt.Sprintf("files of at most %d bytes", 512*d.nth)
	}
	return fmt.Sprintf("%s number %d: %v, and all later ones: %v", d.call, d.nth, d.errno, d.on)
}

// kind is what the death is counted as.
func (d death) kind() string {
	if d.call == "" {
		return "kill"
	}
	return d.call
}

// drawDeath draws a kill within the usual time, or a fault.
func drawDeath(rng *rand.Rand, usual time.Duration, faults string) death {
	if faults == "" || rng.IntN(2) == 0 {
		return death{after: time.Duration(rng.Float64() * float64(usual))}
	}
	names := []string{"write", "fsync", "rename", "create", "remove", "size"}
	errnos := []syscall.Errno{syscall.ENOSPC, syscall.EIO, syscall.EROFS, syscall.EACCES}
	name := names[rng.IntN(len(names))]
	return death{call: name, errno: errnos[rng.IntN(len(errnos))], nth: 1 + rng.IntN(calls[name]), on: rng.IntN(3) > 0}
}

// die runs a command until the death; dead says whether it came before the end of the work.
func (d death) die(t *testing.T, faults string, args []string) (dead bool) {
	t.Helper()
	if d.call != "" {
		args = append([]string{faults, d.call, strconv.Itoa(int(d.errno)), strconv.Itoa(d.nth),
			map[bool]string{false: "once", true: "on"}[d.on], "zos-ort"}, args...)
	} else {
		args = append([]string{"zos-ort"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if d.call == "" {
		defer time.AfterFunc(d.after, func() { killTree(cmd.Process.Pid) }).Stop()
	}
	err := cmd.Wait()
	status := cmd.ProcessState.ExitCode()
	if d.call != "" && (status > 1 || status < 0 || !wholeLines.MatchString(stderr.String())) {
		t.Errorf("%v: status %d, %v; whoever waits reads\n%s", d, status, err, stderr.String())
	}
	return err != nil
}

// wholeLines is all that a user may read when something fails.
var wholeLines = regexp.MustCompile(`^(zos-ort: [^\n]*\n)*$`)

// killTree kills a process and its children, and theirs, without asking.
func killTree(pid int) {
	list := children(pid)
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for _, child := range list {
		killTree(child)
	}
}

// children are the processes that any thread of a process has started.
func children(pid int) (list []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		for child := range strings.FieldsSeq(string(text)) {
			if n, err := strconv.Atoi(child); err == nil {
				list = append(list, n)
			}
		}
	}
	return list
}

// killChild kills the first child of a process.
func killChild(pid int) {
	if list := children(pid); len(list) > 0 {
		killTree(list[0])
	}
}
