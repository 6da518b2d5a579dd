package meter

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// TraceEvent is one entry of ONNX Runtime's trace, in Chrome's format.
type TraceEvent struct {
	Category string `json:"cat"`
	Name     string `json:"name"`
	Start    int64  `json:"ts"`  // microseconds since the profiling began
	Duration int64  `json:"dur"` // microseconds
	Args     struct {
		Provider string `json:"provider"`
	} `json:"args"`
}

// ReadTrace reads the file that a session with Options.Profile writes when it is closed.
func ReadTrace(path string) (events []TraceEvent, err error) {
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &events)
	}
	if err != nil {
		return nil, fmt.Errorf("trace: %s: %w", path, err)
	}
	return events, nil
}

// Node is the name of the node whose run the event is.
func (e TraceEvent) Node() (name string, ok bool) {
	name, ok = strings.CutSuffix(e.Name, "_kernel_time")
	return name, ok && e.Category == "Node"
}
