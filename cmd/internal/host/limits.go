package host

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// What a run takes beside its tensors, as counted on searches with 1 to 8 threads: three sessions with threads of
// their own and those of Go; the runtime's library and the growth of Go's heap.
const (
	sessionsAtOnce = 3
	threadsBeside  = 8
	spaceBeside    = 170 << 20
	// stack is the address space of a thread; ort/start.c lets it be no more.
	stack = 8 << 20
)

// CheckLimits refuses what the limits of this process do not allow: so many threads of --threads, and so many bytes
// of tensors, whose arenas keep up to half as much again. The Go runtime ends with a dump where it cannot start a thread.
func CheckLimits(threads int, tensors int64) error {
	return checkLimits(os.DirFS("/"), threads, tensors, unixLimits())
}

// limits are those of setrlimit(2); 0 for none.
type limits struct {
	space     int64 // RLIMIT_AS
	processes int64 // RLIMIT_NPROC
	user      int   // whose threads RLIMIT_NPROC counts
}

func unixLimits() (l limits) {
	read := func(which int) int64 {
		var r unix.Rlimit
		if unix.Getrlimit(which, &r) != nil || r.Cur > 1<<62 {
			return 0
		}
		return int64(r.Cur)
	}
	l.space, l.user = read(unix.RLIMIT_AS), os.Getuid()
	if l.user != 0 { // root is not limited
		l.processes = read(unix.RLIMIT_NPROC)
	}
	return l
}

func checkLimits(root fs.FS, threads int, tensors int64, l limits) error {
	need := int64(sessionsAtOnce*threads + threadsBeside)
	if have, name, ok := freeThreads(root, l); ok && have < need {
		return fmt.Errorf("--threads %d needs up to %d threads at a time, and %s allows %d more: raise it, or use fewer threads",
			threads, need, name, have)
	}
	space := need*stack + spaceBeside + tensors*3/2
	if used, ok := status(root, "self", "VmSize:"); ok && l.space > 0 && l.space-used<<10 < space {
		return fmt.Errorf("%d MB of address space are needed beside those in use, and ulimit -v allows %d MB more: raise it, "+
			"or use fewer threads or a smaller batch", space>>20, max(0, l.space-used<<10)>>20)
	}
	return nil
}

// freeThreads is how many threads may be started, and which limit says so.
func freeThreads(root fs.FS, l limits) (n int64, name string, limited bool) {
	eachGroup(root, "pids", func(v2 bool, group string) {
		dir := path.Join("sys/fs/cgroup/pids", group)
		if v2 {
			dir = path.Join("sys/fs/cgroup", group)
		}
		most, ok := number(root, path.Join(dir, "pids.max"))
		now, _ := number(root, path.Join(dir, "pids.current"))
		if ok && (!limited || most-now < n) {
			n, name, limited = most-now, "pids.max of the control group", true
		}
	})
	if l.processes > 0 {
		if left := l.processes - threadsOf(root, l.user); !limited || left < n {
			n, name, limited = left, "ulimit -u", true
		}
	}
	return max(0, n), name, limited
}

// threadsOf counts the threads of a user.
func threadsOf(root fs.FS, user int) (n int64) {
	processes, _ := fs.Glob(root, "proc/[0-9]*")
	for _, p := range processes {
		if owner, ok := status(root, path.Base(p), "Uid:"); ok && owner == int64(user) {
			threads, _ := status(root, path.Base(p), "Threads:")
			n += threads
		}
	}
	return n
}

// status reads the first number of a row of /proc/PROCESS/status.
func status(root fs.FS, process, key string) (n int64, ok bool) {
	b, err := fs.ReadFile(root, path.Join("proc", process, "status"))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		if rest, found := strings.CutPrefix(line, key); found {
			n, err := strconv.ParseInt(strings.Fields(rest + " -")[0], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// number reads a file that holds a number; "max" is none.
func number(root fs.FS, name string) (int64, bool) {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil
}
