package rundir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"zos-ort/cmd/internal/host"
)

// lockName is the file in a run directory that its writer holds a lock on.
const lockName = ".lock"

// lockDir makes sure that no other process writes into a run directory: it is refused while one does.
// A killed process loses its lock. The file goes away with unlock.
func lockDir(dir string) (unlock func(), err error) {
	path := filepath.Join(dir, lockName)
	f, err := host.Take(path)
	if errors.Is(err, host.ErrTaken) {
		return nil, fmt.Errorf("%s is in use: another zos-ort writes into it", dir)
	}
	if err != nil {
		return nil, err
	}
	return func() { _ = os.Remove(path); f.Close() }, nil
}
