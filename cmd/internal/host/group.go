package host

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// eachGroup calls f for every control group of this process and those above it, in version 1 for the groups of a
// controller. In a container the group may be named as the machine sees it, where this process sees a part of the
// tree only: groups that are not there say nothing, their parents do.
func eachGroup(root fs.FS, controller string, f func(v2 bool, group string)) {
	b, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(b)) {
		x := strings.SplitN(strings.TrimSpace(line), ":", 3) // number, controllers, group
		if len(x) != 3 || x[1] != "" && !slices.Contains(strings.Split(x[1], ","), controller) {
			continue
		}
		for group := path.Clean("/" + x[2]); ; group = path.Dir(group) {
			f(x[1] == "", group)
			if group == "/" {
				break
			}
		}
	}
}
