package rundir

import (
	"encoding/json"
	"os"
	"runtime"
	"time"
)

// recordFile says how a run was started.
const recordFile = "run.json"

// Start is one start of a run: a resumed run has several.
type Start struct {
	Command []string  `json:"command_line"`
	Time    time.Time `json:"time"`
	Program string    `json:"program"`
	Go      string    `json:"go"`
	Runtime string    `json:"onnx_runtime"`
	System  string    `json:"system"`
	CPUs    int       `json:"cpus"`
}

// Record is the content of run.json.
type Record struct {
	Starts []Start `json:"starts"`
}

// Started adds this process to run.json. A record that cannot be read starts anew: it is for people only.
func (d Dir) Started(program, runtimeVersion string) error {
	var r Record
	if b, err := os.ReadFile(d.Path(recordFile)); err != nil || json.Unmarshal(b, &r) != nil {
		r = Record{}
	}
	r.Starts = append(r.Starts, Start{Command: os.Args, Time: time.Now().UTC().Truncate(time.Second), Program: program,
		Go: runtime.Version(), Runtime: runtimeVersion, System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU()})
	return d.WriteJSON(recordFile, r)
}
