package cells

import (
	"encoding/json"
	"fmt"

	"zos-ort/cmd/internal/settings"
)

// sameSettings compares the settings of two attempts; the error names the first that differs. The number of
// threads may change, as a resumed attempt keeps its own.
func sameSettings(before, now json.RawMessage) error {
	d, err := settings.Compare(before, now, "device.threads")
	if d != nil {
		err = fmt.Errorf("%s was %s, now it is %s", d.Key, d.Before, d.Now)
	}
	return err
}
