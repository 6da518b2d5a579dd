package mlflow

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"zos-ort/cmd/internal/rundir"
)

// StateFile says in the directory of a run which servers have it, so that an upload that was interrupted goes on.
const StateFile = "mlflow.json"

const (
	schema  = "zos-ort/mlflow"
	version = 1
)

// state is the content of the file.
type state struct {
	Schema  string    `json:"schema"`
	Version int       `json:"version"`
	Uploads []*upload `json:"uploads"`
}

// upload is what a server has of the run.
type upload struct {
	Server     string `json:"server"`
	Experiment string `json:"experiment"`
	// Key is a tag of the run on the server. It is chosen before the run is made there, so that the run is found again
	// even if its ID never arrived.
	Key   string            `json:"key"`
	Run   string            `json:"run_id,omitempty"`
	Files map[string]string `json:"files"` // SHA-256 of those that the server has
}

// readState reads the state of a run; a run without one was never pushed.
func readState(dir rundir.Dir) (*state, error) {
	s := &state{Schema: schema, Version: version}
	b, err := os.ReadFile(dir.Path(StateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = rundir.Decode(dir.Path(StateFile), b, schema, version, s)
	}
	if err != nil {
		return nil, fmt.Errorf("%w; without this file the run is pushed as a new one", err)
	}
	return s, nil
}

// of is the upload to an experiment of a server, a new one if there is none.
func (s *state) of(server, experiment string) *upload {
	for _, u := range s.Uploads {
		if u.Server == server && u.Experiment == experiment {
			if u.Files == nil {
				u.Files = map[string]string{}
			}
			return u
		}
	}
	u := &upload{Server: server, Experiment: experiment, Key: rand.Text(), Files: map[string]string{}}
	s.Uploads = append(s.Uploads, u)
	return u
}

func (s *state) save(dir rundir.Dir) error { return dir.WriteJSON(StateFile, s) }

// file is one of the run, by its name with slashes.
type file struct{ name, path string }

// filesOf lists the files of a run. Checkpoints are of use to a run that goes on only.
func filesOf(dir rundir.Dir) (list []file, err error) {
	err = filepath.WalkDir(string(dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(string(dir), path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && name == "checkpoints":
			return filepath.SkipDir
		case strings.HasPrefix(d.Name(), ".") && name != ".", name == StateFile:
			if d.IsDir() {
				return filepath.SkipDir
			}
		case d.Type().IsRegular():
			list = append(list, file{filepath.ToSlash(name), path})
		}
		return nil
	})
	return list, err
}

// sum is the SHA-256 of a file.
func (f file) sum() (string, error) {
	r, err := os.Open(f.path)
	if err != nil {
		return "", err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
