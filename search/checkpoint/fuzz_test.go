package checkpoint

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"zos-ort/graphgen/check"
)

// fuzzed is content of the kinds that runs keep: numbers, lists, text.
type fuzzed struct {
	Epoch int
	Norms []float64
	Names map[string]string
	Inner *fuzzed
}

// FuzzLoad: no file in the folder of checkpoints crashes a resume. Content and state are hashed here, as a fuzzer
// would not get past a sum; with broken both are as they come.
func FuzzLoad(f *testing.F) {
	good := check.Must(json.Marshal(fuzzed{Epoch: 3, Norms: []float64{1, .5}}))(f)
	f.Add(good, []byte("state"), schema, version, false)
	f.Add(good, []byte{}, schema, version-1, false)
	f.Add([]byte(`{"Epoch":"x"}`), []byte("state"), schema, version, false)
	f.Add([]byte(`{"schema":"zos-ort/checkpoint","version":2,"content":null}`), []byte{}, "", 0, true)
	f.Fuzz(func(t *testing.T, content, state []byte, name string, number int, broken bool) {
		s := Store{Dir: t.TempDir()}
		file := content
		if !broken {
			e := envelope{Schema: name, Version: number, State: hash(state), Content: content, Sum: hash(content)}
			var err error
			if file, err = json.Marshal(e); err != nil {
				t.Skip("content that is not JSON is covered by broken files")
			}
		}
		position := Position(1, 2)
		for path, b := range map[string][]byte{s.json(position): file, s.state(position): state} {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		check.Bounded(t, len(file)+len(state), 0, func() { load(t, s) })
	})
}

func load(t *testing.T, s Store) {
	var got fuzzed
	state, ok, err := s.Load(&got, func(err error) {
		if err == nil {
			t.Error("a damaged file without an error")
		}
	})
	if ok && err != nil || state != "" && filepath.Dir(state) != s.Dir {
		t.Errorf("state %q, ok %v, error %v", state, ok, err)
	}
	if !ok {
		return
	}
	if err := s.Save(Position(2, 0), got, nil); err != nil {
		t.Fatal(err)
	}
	var again fuzzed
	if _, ok, err := s.Load(&again, func(err error) { t.Error(err) }); !ok || err != nil {
		t.Errorf("what was read cannot be read again: %v", err)
	}
}
