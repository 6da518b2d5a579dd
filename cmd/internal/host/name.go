package host

import (
	"io/fs"
	"os"
	"runtime"
	"strings"
)

// Name is what the machine is called.
func Name() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

// CPU is the model of the processor, or its architecture where the system does not say.
func CPU() string { return cpuIn(os.DirFS("/")) }

// cpuIn reads Linux's /proc/cpuinfo below a root. Small boards name the board, as "Model".
func cpuIn(root fs.FS) string {
	b, _ := fs.ReadFile(root, "proc/cpuinfo") // empty without one
	for _, key := range []string{"model name", "Model"} {
		for line := range strings.Lines(string(b)) {
			name, value, _ := strings.Cut(line, ":")
			if value = strings.TrimSpace(value); strings.TrimSpace(name) == key && value != "" {
				return value
			}
		}
	}
	return runtime.GOARCH
}
