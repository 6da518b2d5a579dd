package space

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// writeFile replaces a file as a whole: after a crash there is the old content or the new one.
func writeFile(path string, data []byte) (err error) {
	// Not os.CreateTemp, which makes files that only the owner can read whatever the umask says.
	dir, name := filepath.Split(path)
	temp := filepath.Join(dir, fmt.Sprintf(".%s-%016x", name, rand.Uint64()))
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(temp)
		}
	}()
	if _, err = f.Write(data); err == nil {
		err = f.Sync() // before the rename, or a crash may leave the new name with no content
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Rename(temp, path)
}
