package judge

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/models/space"
)

// Subject is what is judged, and where it comes from.
type Subject struct {
	Name   string  `json:"name"`
	Method string  `json:"method,omitempty"`
	Seed   *uint64 `json:"seed,omitempty"`

	Genotype *space.Genotype `json:"genotype,omitempty"`
	Mask     *space.Mask     `json:"-"`
}

// Files of a run that are judged.
const (
	genotypeFile = "genotype.json"
	maskFile     = "mask.json"
	configFile   = "config.json"
)

// Find reads what an argument names: the file of a genotype or of a mask, a published genotype, a
// run's folder, or a folder with runs in it, such as a sweep's.
func Find(name string) ([]Subject, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		g, err := space.Named(name)
		if err != nil {
			return nil, fmt.Errorf("%q is neither a file, nor a folder, nor a published genotype: %w", name, err)
		}
		return []Subject{{Name: name, Genotype: &g}}, nil
	case err != nil:
		return nil, err
	case info.IsDir():
		return findRuns(name)
	}
	s, err := readFile(name)
	return []Subject{s}, err
}

// readFile reads a genotype or a mask, which tells by its schema.
func readFile(path string) (s Subject, err error) {
	s.Name = path
	b, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	var head struct{ Schema string }
	if json.Unmarshal(b, &head) == nil && strings.HasSuffix(head.Schema, "/mask") {
		m, err := space.ReadMask(path)
		s.Mask = &m
		return s, err
	}
	g, err := space.ReadGenotype(path)
	s.Genotype = &g
	return s, err
}

// findRuns reads the runs of a folder: by method, and there by seed. Folders without a run's
// settings are named by their path.
func findRuns(root string) (list []Subject, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		s, found, err := readRun(path)
		if found && err == nil {
			list = append(list, s)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("folder %s holds no %s and no %s", root, genotypeFile, maskFile)
	}
	slices.SortStableFunc(list, func(a, b Subject) int {
		if a.Method != b.Method || a.Seed == nil || b.Seed == nil {
			return 0 // as the folders come
		}
		return cmp.Compare(*a.Seed, *b.Seed)
	})
	return list, nil
}

// readRun reads a run of a search or a pruning. A retraining has its genotype from elsewhere.
func readRun(dir string) (s Subject, found bool, err error) {
	s.Name = dir
	config := filepath.Join(dir, configFile)
	var head struct{ Schema, Method string }
	if b, err := os.ReadFile(config); err == nil && json.Unmarshal(b, &head) == nil && head.Schema == settings.Schema {
		if head.Method == "" {
			return s, false, nil
		}
		e, err := settings.Read(config)
		if err != nil {
			return s, false, err
		}
		s.Method, s.Seed = e.Method, &e.Seed
	}
	if path := filepath.Join(dir, genotypeFile); rundir.Exists(path) {
		g, err := space.ReadGenotype(path)
		if err != nil {
			return s, false, err
		}
		s.Genotype = &g
	}
	if path := filepath.Join(dir, maskFile); rundir.Exists(path) {
		m, err := space.ReadMask(path)
		if err != nil {
			return s, false, err
		}
		if m != m.Space().FullMask() { // of a method without a mask
			s.Mask = &m
		}
	}
	return s, s.Genotype != nil || s.Mask != nil, nil
}
