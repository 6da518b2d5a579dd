package host

import (
	"strings"
	"testing"
	"testing/fstest"
)

// Threads are refused that a control group or the user's limit does not allow, and address space that ulimit -v does
// not.
func TestCheckLimits(t *testing.T) {
	const v1, v2 = "8:pids:/a\n", "0::/a\n"
	for _, c := range []struct {
		name    string
		files   map[string]string
		threads int
		tensors int64
		limits  limits
		want    string
	}{
		{name: "no Linux", threads: 8},
		{name: "no limits", files: map[string]string{"proc/self/cgroup": v2, "sys/fs/cgroup/a/pids.max": "max\n"}, threads: 1000},
		{name: "enough", files: map[string]string{"proc/self/cgroup": v2, "sys/fs/cgroup/a/pids.max": "40\n",
			"sys/fs/cgroup/a/pids.current": "8\n"}, threads: 8},
		{name: "one too few", files: map[string]string{"proc/self/cgroup": v2, "sys/fs/cgroup/a/pids.max": "40\n",
			"sys/fs/cgroup/a/pids.current": "9\n"}, threads: 8,
			want: "--threads 8 needs up to 32 threads at a time, and pids.max of the control group allows 31 more"},
		{name: "group above, version 1", files: map[string]string{"proc/self/cgroup": "8:pids:/a/b\n",
			"sys/fs/cgroup/pids/a/b/pids.max": "max\n", "sys/fs/cgroup/pids/a/pids.max": "20\n",
			"sys/fs/cgroup/pids/a/pids.current": "19\n"}, threads: 1, want: "allows 1 more"},
		{name: "of the user", files: map[string]string{"proc/self/cgroup": v1,
			"proc/7/status": "Uid:\t5 5 5 5\nThreads:\t30\n", "proc/8/status": "Uid:\t6 6 6 6\nThreads:\t500\n",
			"proc/9/status": "Uid:\t5 5 5 5\nThreads:\t10\n"}, threads: 2, limits: limits{processes: 50, user: 5},
			want: "ulimit -u allows 10 more"},
		{name: "space for threads", files: map[string]string{"proc/self/status": "VmSize:\t1000 kB\n"}, threads: 4,
			limits: limits{space: 330 << 20}, want: "330 MB of address space are needed beside those in use, and ulimit -v allows 329 MB more"},
		{name: "space", files: map[string]string{"proc/self/status": "VmSize:\t1000 kB\n"}, threads: 4, limits: limits{space: 331 << 20}},
		{name: "space for tensors", files: map[string]string{"proc/self/status": "VmSize:\t1000 kB\n"}, threads: 4,
			tensors: 10 << 20, limits: limits{space: 331 << 20}, want: "345 MB of address space"},
		{name: "used up", files: map[string]string{"proc/self/status": "VmSize:\t1000 kB\n"}, threads: 4,
			limits: limits{space: 100}, want: "allows 0 MB more"},
	} {
		root := fstest.MapFS{}
		for name, text := range c.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		err := checkLimits(root, c.threads, c.tensors, c.limits)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
