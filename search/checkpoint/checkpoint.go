// Package checkpoint keeps the last positions of a long run in a folder, so that a kill at any
// moment, or a damaged file, costs at most the work since the position before.
//
// A checkpoint is up to two files named after its position: POSITION.state, what the runtime holds,
// and POSITION.json, written after it, with everything else and the SHA-256 of both. Files appear
// whole or not at all, so a checkpoint without its .json was never finished.
package checkpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"zos-ort/models/file"
)

// Schema of a checkpoint's JSON file.
const (
	schema  = "zos-ort/checkpoint"
	version = 2 // 1 had the tensors in the order of construction
)

// kept is how many checkpoints stay: the newest, and one to fall back on.
const kept = 2

// Store is the folder of one run's checkpoints; Save makes it. Without a folder it has none and keeps none.
type Store struct{ Dir string }

// envelope is the JSON file: the content as it was written, and what it must hash to.
type envelope struct {
	Schema  string          `json:"schema"`
	Version int             `json:"version"`
	State   string          `json:"state_sha256,omitempty"`
	Sum     string          `json:"content_sha256"`
	Content json.RawMessage `json:"content"`
}

// Position names a checkpoint by how far a run has come.
func Position(epoch, step int) string { return fmt.Sprintf("%04d-%06d", epoch, step) }

// Save writes a checkpoint: content as JSON and, if state is not nil, what it writes. The one before
// the last is removed when the new one is on the disk.
func (s Store) Save(position string, content any, state func(io.Writer) error) error {
	if s.Dir == "" {
		return nil
	}
	if err := s.save(position, content, state); err != nil {
		return fmt.Errorf("save checkpoint %s in %s: %w", position, s.Dir, err)
	}
	return s.keep(kept)
}

func (s Store) save(position string, content any, state func(io.Writer) error) error {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return err
	}
	e := envelope{Schema: schema, Version: version}
	var err error
	if state != nil {
		if e.State, err = writeHashed(s.state(position), state); err != nil {
			return err
		}
	}
	if e.Content, err = json.Marshal(content); err != nil {
		return err
	}
	e.Sum = hash(e.Content)
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return file.Write(s.json(position), append(b, '\n'), 0o644)
}

// writeHashed writes a file atomically and returns its SHA-256.
func writeHashed(path string, write func(io.Writer) error) (string, error) {
	f, err := file.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Cleanup()
	h := sha256.New()
	if err := write(io.MultiWriter(f, h)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), f.CloseAtomicallyReplace()
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (s Store) json(position string) string  { return filepath.Join(s.Dir, position+".json") }
func (s Store) state(position string) string { return filepath.Join(s.Dir, position+".state") }

// Load reads the newest checkpoint that is whole into content and returns the path of its state,
// which is empty if it was saved without one. Checkpoints that are damaged are handed to damaged,
// one by one, as errors that name the file. ok is false if the folder has no checkpoint at all; if
// all are damaged, that is an error.
func (s Store) Load(content any, damaged func(error)) (state string, ok bool, err error) {
	positions, err := s.positions()
	if err != nil || len(positions) == 0 {
		return "", false, err
	}
	for i := len(positions) - 1; i >= 0; i-- {
		raw, state, err := s.read(positions[i])
		if err != nil {
			damaged(err)
			continue
		}
		if err := json.Unmarshal(raw, content); err != nil {
			return "", false, fmt.Errorf("%s was written by another version of zos-ort: %w",
				s.json(positions[i]), err)
		}
		return state, true, nil
	}
	return "", false, fmt.Errorf("no checkpoint in %s can be read", s.Dir)
}

// read checks both files of a checkpoint against their sums.
func (s Store) read(position string) (content []byte, state string, err error) {
	path := s.json(position)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, "", err
	}
	var e envelope
	if err := json.Unmarshal(b, &e); err != nil {
		return nil, "", fmt.Errorf("checkpoint %s is damaged: %w", path, err)
	}
	if e.Schema == schema && e.Version != version {
		return nil, "", fmt.Errorf("checkpoint %s was written by another version of zos-ort (form %d, this reads form %d): "+
			"resume with that version, or begin the run anew", path, e.Version, version)
	}
	if e.Schema != schema {
		return nil, "", fmt.Errorf("checkpoint %s holds %q version %d, want %q version %d", path, e.Schema,
			e.Version, schema, version)
	}
	if sum := hash(e.Content); sum != e.Sum {
		return nil, "", fmt.Errorf("checkpoint %s is damaged: its SHA-256 is %.8s, not %.8s", path, sum,
			e.Sum)
	}
	if e.State == "" {
		return e.Content, "", nil
	}
	if err := verify(s.state(position), e.State); err != nil {
		return nil, "", err
	}
	return e.Content, s.state(position), nil
}

// verify reads a file and compares its sum.
func verify(path, want string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != want {
		return fmt.Errorf("checkpoint %s is damaged: its SHA-256 is %.8s, not %.8s", path, sum, want)
	}
	return nil
}

// positions lists the finished checkpoints, oldest first.
func (s Store) positions() ([]string, error) {
	if s.Dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoints: %w", err)
	}
	var list []string
	for _, e := range entries {
		if position, ok := strings.CutSuffix(e.Name(), ".json"); ok && !strings.HasPrefix(position, ".") {
			list = append(list, position)
		}
	}
	slices.SortStableFunc(list, order)
	return list, nil
}

// order compares positions by their numbers: those of more digits than Position pads do not sort like their names.
func order(a, b string) int {
	var x, y [2]int
	if _, err := fmt.Sscanf(a, "%d-%d", &x[0], &x[1]); err != nil {
		return strings.Compare(a, b)
	}
	if _, err := fmt.Sscanf(b, "%d-%d", &y[0], &y[1]); err != nil {
		return strings.Compare(a, b)
	}
	return slices.Compare(x[:], y[:])
}

// Finish removes all checkpoints but the newest: nothing comes after it.
func (s Store) Finish() error {
	if s.Dir == "" {
		return nil
	}
	return s.keep(1)
}

// keep removes all but the n newest checkpoints, and files of any that was never finished.
func (s Store) keep(n int) error {
	positions, err := s.positions()
	if err != nil {
		return err
	}
	stay := map[string]bool{}
	for _, p := range positions[max(0, len(positions)-n):] {
		stay[p] = true
	}
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("checkpoints: %w", err)
	}
	// A .json goes before its .state: the names sort that way, and a half-removed checkpoint must
	// look unfinished, not damaged.
	for _, e := range entries {
		name, _, _ := strings.Cut(e.Name(), ".")
		if stay[name] {
			continue
		}
		if err := os.Remove(filepath.Join(s.Dir, e.Name())); err != nil {
			return fmt.Errorf("checkpoints: %w", err)
		}
	}
	return nil
}
