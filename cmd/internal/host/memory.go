package host

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// FreeMemory is the memory that a new process can use without swapping, on Linux: what the machine
// has left, or the control groups of this process if they allow less.
func FreeMemory() (bytes int64, ok bool) { return freeIn(os.DirFS("/")) }

// freeIn reads Linux's /proc and /sys below a root.
func freeIn(root fs.FS) (bytes int64, ok bool) {
	b, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "MemAvailable: %d kB", &kib); n == 1 {
			bytes, ok = kib<<10, true
		}
	}
	if left, limited := groupMemory(root); limited && (!ok || left < bytes) {
		bytes, ok = left, true
	}
	return bytes, ok
}

// groupFiles are the files of a version of control groups: where its tree is, the limit and the use
// of a group, and the key of memory.stat that says how much of the use is files that can be dropped.
type groupFiles struct{ tree, limit, use, dropped string }

var (
	groupsV1 = groupFiles{"sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
		"total_inactive_file"}
	groupsV2 = groupFiles{"sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"}
)

// groupMemory is the least that a control group of this process, or one above it, has left.
func groupMemory(root fs.FS) (left int64, limited bool) {
	eachGroup(root, "memory", func(v2 bool, group string) {
		files := groupsV1
		if v2 {
			files = groupsV2
		}
		if n, ok := files.left(root, group); ok && (!limited || n < left) {
			left, limited = n, true
		}
	})
	return left, limited
}

// left is what a group may still use; not ok if it has no limit.
func (f groupFiles) left(root fs.FS, group string) (bytes int64, ok bool) {
	dir := path.Join(f.tree, group)
	limit, ok := number(root, path.Join(dir, f.limit))
	if !ok {
		return 0, false
	}
	use, _ := number(root, path.Join(dir, f.use))
	stat, _ := fs.ReadFile(root, path.Join(dir, "memory.stat"))
	for line := range strings.Lines(string(stat)) {
		var n int64
		if found, _ := fmt.Sscanf(line, f.dropped+" %d", &n); found == 1 {
			use -= n
		}
	}
	return max(0, limit-max(0, use)), true
}
