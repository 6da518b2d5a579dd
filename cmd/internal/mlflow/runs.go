package mlflow

import (
	"fmt"
	"io/fs"
	"path/filepath"

	"zos-ort/cmd/internal/rundir"
)

// Named is a run and the name that it gets on the server; "" is that of its folder.
type Named struct{ Path, Name string }

// Runs are the finished runs that a folder stands for: itself, or those of a sweep, named by data, method and seed.
func Runs(dir string) (list []Named, err error) {
	if !rundir.Exists(filepath.Join(dir, "sweep.json")) {
		return []Named{{Path: dir}}, nil
	}
	err = filepath.WalkDir(filepath.Join(dir, "cells"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if whole := func(name string) bool { return rundir.Exists(filepath.Join(path, name)) }; !whole("config.json") || !whole("result.json") {
			return nil
		}
		name, err := filepath.Rel(filepath.Join(dir, "cells"), path)
		list = append(list, Named{path, filepath.ToSlash(name)})
		return err
	})
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("no run of the sweep %s is finished", dir)
	}
	return list, err
}
