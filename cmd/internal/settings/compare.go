package settings

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"zos-ort/models/method"
	"zos-ort/prune"
)

// free are the settings that may change when a run is resumed: where the images lie (their fingerprint says
// what they are; Unchanged compares that of the test images, which older runs lack), the version of the program, how
// programs are executed, and whether ties are refused.
var free = []string{"images.data", "images.data_name", "images.test_fingerprint", "program", "execution", "ranking.allow_ties"}

// implied are the values that settings have where a config.json does not name them.
var implied = map[string]string{"search.derive": DeriveAlphas, "search.beta_form": string(method.Coupled),
	"ranking.pool": string(prune.NoPool), "ranking.rankers": "nngp", "ranking.combine": CombineChange}

// Difference is a setting that two experiments do not share.
type Difference struct{ Key, Before, Now string }

// Same compares two experiments; the error names the first setting that differs, with both values.
func Same(before, now Experiment) error {
	a, err := json.Marshal(before)
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	b, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	d, err := Compare(a, b)
	if d != nil {
		err = fmt.Errorf("%s %s, now it would be %s", d.Key, d.Before, d.Now)
	}
	return err
}

// Compare finds the first setting in which two experiments in JSON differ, nil if they are equal. Further
// settings that may differ are given by their path, such as device.threads.
func Compare(before, now []byte, further ...string) (*Difference, error) {
	a, b := map[string]string{}, map[string]string{}
	if err := flatten(a, "", before); err != nil {
		return nil, err
	}
	if err := flatten(b, "", now); err != nil {
		return nil, err
	}
	ignored := func(path string) bool {
		return slices.ContainsFunc(slices.Concat(free, further), func(f string) bool {
			return path == f || strings.HasPrefix(path, f+".")
		})
	}
	keys := slices.Concat(slices.Collect(maps.Keys(a)), slices.Collect(maps.Keys(b)))
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		if x, y := value(a, k), value(b, k); x != y && !ignored(k) {
			return &Difference{k[strings.LastIndex(k, ".")+1:], x, y}, nil
		}
	}
	return nil, nil
}

func value(m map[string]string, key string) string {
	if v, ok := m[key]; ok {
		return v
	}
	return cmp.Or(implied[key], "missing")
}

// flatten lists the values of a JSON object by the path of their keys.
func flatten(flat map[string]string, prefix string, b []byte) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(b, &object); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	for k, v := range object {
		if k != "genotype" && bytes.HasPrefix(v, []byte("{")) {
			if err := flatten(flat, prefix+k+".", v); err != nil {
				return err
			}
			continue
		}
		var text bytes.Buffer
		if err := json.Compact(&text, v); err != nil {
			return fmt.Errorf("settings: %w", err)
		}
		flat[prefix+k] = strings.Trim(text.String(), `"`)
	}
	return nil
}
