package host

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
)

// Processors is the number of processors that this process may keep busy: those of the machine that it may run on,
// or as many as the quota of its control groups pays for if that is less.
func Processors() int { return processorsIn(os.DirFS("/"), runtime.NumCPU()) }

// processorsIn reads Linux's /proc and /sys below a root. A quota of a processor and a half is used by two threads.
func processorsIn(root fs.FS, n int) int {
	if share, limited := groupProcessors(root); limited {
		n = min(n, int(math.Ceil(share)))
	}
	return max(1, n)
}

// groupProcessors is the least share of processors that a control group of this process, or one above it, has.
func groupProcessors(root fs.FS) (share float64, limited bool) {
	eachGroup(root, "cpu", func(v2 bool, group string) {
		read := quotaV1
		if v2 {
			read = quotaV2
		}
		if x, ok := read(root, group); ok && (!limited || x < share) {
			share, limited = x, true
		}
	})
	return share, limited
}

// quotaV2 reads cpu.max: the microseconds of a period that a group may use, or max, and the period.
func quotaV2(root fs.FS, group string) (share float64, ok bool) {
	b, err := fs.ReadFile(root, path.Join("sys/fs/cgroup", group, "cpu.max"))
	if err != nil {
		return 0, false
	}
	var quota, period float64
	n, _ := fmt.Sscan(string(b), &quota, &period)
	return quota / period, n == 2 && quota > 0 && period > 0
}

// quotaV1 reads the two files that cpu.max was before; a quota of -1 is none.
func quotaV1(root fs.FS, group string) (share float64, ok bool) {
	number := func(name string) float64 {
		for _, tree := range []string{"cpu", "cpu,cpuacct"} {
			b, err := fs.ReadFile(root, path.Join("sys/fs/cgroup", tree, group, name))
			if err != nil {
				continue
			}
			if x, err := strconv.ParseFloat(strings.TrimSpace(string(b)), 64); err == nil {
				return x
			}
		}
		return 0
	}
	quota, period := number("cpu.cfs_quota_us"), number("cpu.cfs_period_us")
	return quota / period, quota > 0 && period > 0
}
