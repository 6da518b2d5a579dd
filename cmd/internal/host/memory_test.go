package host

import (
	"testing"
	"testing/fstest"
)

// Free memory is what the machine has left, or what the control groups leave if that is less.
func TestFreeMemory(t *testing.T) {
	const meminfo = "MemTotal: 4000 kB\nMemAvailable: 2000 kB\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
		ok    bool
	}{
		{"no Linux", nil, 0, false},
		{"no groups", map[string]string{"proc/meminfo": meminfo}, 2000 << 10, true},
		{"no limit", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "max\n"}, 2000 << 10, true},
		{"limit above", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/memory.max": "1000\n", "sys/fs/cgroup/a/memory.current": "700\n",
			"sys/fs/cgroup/a/memory.stat":  "anon 1\ninactive_file 200\n",
			"sys/fs/cgroup/a/b/memory.max": "max\n"}, 500, true},
		{"unseen group", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/x/y\n",
			"sys/fs/cgroup/memory.max": "800\n"}, 800, true},
		{"used up", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "800\n", "sys/fs/cgroup/memory.current": "900\n"}, 0, true},
		{"version 1", map[string]string{"proc/meminfo": meminfo,
			"proc/self/cgroup": "5:cpu:/a\n4:memory:/a\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "600\n",
			"sys/fs/cgroup/memory/a/memory.usage_in_bytes": "100\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":   "9223372036854771712\n"}, 500, true},
	} {
		root := fstest.MapFS{}
		for name, text := range c.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got, ok := freeIn(root); got != c.want || ok != c.ok {
			t.Errorf("%s: %d bytes, %v; want %d, %v", c.name, got, ok, c.want, c.ok)
		}
	}
}
