// Package rundir is the directory of a run: files that appear whole or not at all, never over an
// existing run, and a lock that keeps a second process out.
package rundir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"zos-ort/models/file"
)

// Dir is the folder of one run. Files in it appear whole or not at all.
type Dir string

// Nowhere is the folder of a process that takes part in a run and writes nothing: what is written to it is dropped,
// and nothing is in it.
const Nowhere Dir = os.DevNull

// Create makes the folder. One that already holds something is never written into.
func Create(path, command string) (Dir, error) {
	if path == "" {
		path = filepath.Join("runs", command, time.Now().Format("20060102-150405"))
		for first, i := path, 2; Exists(path); i++ {
			path = fmt.Sprintf("%s-%d", first, i)
		}
	}
	entries, err := os.ReadDir(path)
	// A run that was killed before it wrote its settings leaves a lock and unfinished files.
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return e.Name() == lockName || temporary.MatchString(e.Name())
	})
	switch {
	case err == nil && len(entries) > 0:
		return "", fmt.Errorf("output folder %s already holds files: choose another one or move it away",
			path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("output folder: %w", err)
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return "", fmt.Errorf("output folder: %w", err)
	}
	probe, err := os.CreateTemp(path, ".probe-*")
	if err != nil {
		return "", fmt.Errorf("output folder is not writable: %w", err)
	}
	probe.Close()
	return Dir(path), Dir(path).sweep()
}

// CostsFile is the copy of a table of latencies that a run keeps: the file that it came from may be gone or measured
// anew when the run is resumed.
const CostsFile = "costs.json"

// Finish is called with the error that a run ends with, if any, and returns it. A run that failed
// before it found anything leaves no folder behind: only an empty folder can be removed.
func (d Dir) Finish(err error) error {
	if err == nil || d == Nowhere {
		return err
	}
	entries, _ := os.ReadDir(string(d))
	for _, e := range entries {
		if !slices.Contains([]string{"config.json", recordFile, lockName, CostsFile}, e.Name()) {
			return err
		}
	}
	for _, e := range entries {
		_ = os.Remove(d.Path(e.Name()))
	}
	_ = os.Remove(string(d))
	return err
}

// Exists reports whether there is anything at path, be it a dangling link.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Path is where a file of the run is.
func (d Dir) Path(name string) string { return filepath.Join(string(d), name) }

// Write writes a file atomically: to a temporary name, synced, renamed.
func (d Dir) Write(name string, content []byte) error {
	if d == Nowhere {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(d.Path(name)), 0o755); err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	if err := file.Write(d.Path(name), content, 0o644); err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	return nil
}

// WriteJSON writes v indented.
func (d Dir) WriteJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	return d.Write(name, append(b, '\n'))
}

// ReadSettings reads config.json and checks whose it is.
func (d Dir) ReadSettings(schema string, version int, v any) error {
	b, err := os.ReadFile(d.Path("config.json"))
	if err != nil {
		return fmt.Errorf("%s is not a run directory: %w", d, err)
	}
	return Decode(d.Path("config.json"), b, schema, version, v)
}

// Decode reads the content of a JSON file that begins with its schema and version, strictly: a key that v
// does not know is an error. The path is for error texts.
func Decode(path string, content []byte, schema string, version int, v any) error {
	var head struct {
		Schema  string
		Version int
	}
	if err := json.Unmarshal(content, &head); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if head.Schema != schema || head.Version != version {
		return fmt.Errorf("%s holds %q version %d, this needs %q version %d", path, head.Schema, head.Version,
			schema, version)
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
