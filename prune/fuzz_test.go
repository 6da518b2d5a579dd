package prune

import (
	"encoding/json"
	"testing"

	"zos-ort/graphgen/check"
)

// FuzzProgress: any progress of a pruning is read as it was written or refused.
func FuzzProgress(f *testing.F) {
	f.Add([]byte(`{"rounds":[[[1,null,2.5],[3]],[]]}`))
	f.Add([]byte(`{"rounds":[[null]]}`))
	f.Add([]byte(`{"rounds":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		check.Bounded(t, len(b), 0, func() {
			var p, again Progress
			if json.Unmarshal(b, &p) != nil {
				return
			}
			text := check.Must(json.Marshal(p))(t)
			if err := json.Unmarshal(text, &again); err != nil {
				t.Fatalf("%s cannot be read: %v", text, err)
			}
			if second := check.Must(json.Marshal(again))(t); string(second) != string(text) {
				t.Errorf("%s becomes %s", text, second)
			}
			for i := range p.Rounds {
				if p.check(i, 3, 2) == nil {
					p.missing(i, 3, 2)
				}
			}
		})
	})
}
