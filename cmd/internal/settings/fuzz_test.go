package settings

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/graphgen/check"
)

// decodeSettings is what Read does with the content of a file.
func decodeSettings(t *testing.T, b []byte) {
	check.Bounded(t, len(b), 0, func() {
		var e, again Experiment
		if rundir.Decode("config.json", b, Schema, Version, &e) != nil {
			return
		}
		text, err := json.Marshal(e)
		if err != nil {
			return // a number that JSON has no word for cannot come from JSON
		}
		if err := rundir.Decode("config.json", text, Schema, Version, &again); err != nil {
			t.Fatalf("%s\ncannot be read: %v", text, err)
		}
		if err := Same(e, again); err != nil {
			t.Errorf("read twice, it differs: %v", err)
		}
		_ = e.Images.Check()
		_ = e.CheckImages()
	})
}

// FuzzConfigBytes: no config.json crashes its reader.
func FuzzConfigBytes(f *testing.F) {
	f.Add(check.Must(json.Marshal(named(Quick())))(f))
	f.Fuzz(decodeSettings)
}

// FuzzConfig: nor does one with any value at any place.
func FuzzConfig(f *testing.F) {
	base := check.Must(json.Marshal(named(Quick())))(f)
	f.Add(uint16(3), "1e999")
	f.Add(uint16(40), "-1")
	f.Add(uint16(17), "null")
	f.Fuzz(func(t *testing.T, at uint16, value string) {
		var tree map[string]any
		if err := json.Unmarshal(base, &tree); err != nil {
			t.Fatal(err)
		}
		if !json.Valid([]byte(value)) {
			t.Skip("syntax is for the other fuzzer")
		}
		var places []func()
		collect(tree, json.RawMessage(value), &places)
		places[int(at)%len(places)]()
		decodeSettings(t, check.Must(json.Marshal(tree))(t))
	})
}

func named(e Experiment) Experiment {
	e.Schema, e.Version = Schema, Version
	return e
}

// collect lists how to put a value to each place of a JSON object, in the order of its keys.
func collect(object map[string]any, value json.RawMessage, places *[]func()) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		*places = append(*places, func() { object[key] = value })
		if inner, ok := object[key].(map[string]any); ok {
			collect(inner, value, places)
		}
	}
}
