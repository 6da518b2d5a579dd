// Package file writes files that are there as a whole or not at all.
//
// Content goes to a temporary file, which is synced and renamed. The temporary file lies in the folder of the file that it
// becomes: a rename within a folder is atomic on every file system, the folder for temporary files need not exist or have
// room, and what a kill leaves is found beside the file. Its name is a dot, the name of the file and digits.
package file

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// Write replaces a file as a whole. A new file gets the permissions that the umask leaves, an old one keeps its own. A
// link stays, and what it leads to is replaced. A device or a pipe, such as /dev/null and /dev/stdout, is written to: a
// rename would put a file in its place.
func Write(path string, content []byte, permissions fs.FileMode) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular() && !info.IsDir():
		return writeTo(path, content)
	case err == nil:
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
	}
	return renameio.WriteFile(path, content, permissions, renameio.WithTempDir(filepath.Dir(path)))
}

// Pending is a file that is being written: CloseAtomicallyReplace puts it into its place, Cleanup removes it if that has
// not happened.
type Pending = renameio.PendingFile

// Create begins to write a file that is too large to be held in memory, or that someone else writes.
func Create(path string) (*Pending, error) {
	return renameio.NewPendingFile(path, renameio.WithPermissions(0o644), renameio.WithTempDir(filepath.Dir(path)))
}

func writeTo(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err = f.Write(content); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
