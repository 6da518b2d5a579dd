package sweep

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// ignored are the settings that may change between attempts: where the images lie (their fingerprint
// counts), and what does not say what is computed.
var ignored = []string{"data", "program", "threads"}

// sameSettings compares two JSON objects key by key; the error names the first key that differs.
func sameSettings(before, now json.RawMessage) error {
	var old, wanted map[string]json.RawMessage
	if err := json.Unmarshal(before, &old); err != nil {
		return fmt.Errorf("settings from before: %w", err)
	}
	if err := json.Unmarshal(now, &wanted); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	keys := map[string]bool{}
	for _, m := range []map[string]json.RawMessage{old, wanted} {
		for k := range m {
			keys[k] = !slices.Contains(ignored, k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if a, b := compact(old[k]), compact(wanted[k]); keys[k] && a != b {
			return fmt.Errorf("%s was %s, now it is %s", k, a, b)
		}
	}
	return nil
}

// compact is a JSON value on one line.
func compact(v json.RawMessage) string {
	if len(v) == 0 {
		return "missing"
	}
	var b bytes.Buffer
	if err := json.Compact(&b, v); err != nil {
		return string(v)
	}
	return b.String()
}
