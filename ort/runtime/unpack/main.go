// Command unpack takes the libraries of ONNX Runtime out of the archive that Maven has fetched:
//
//	unpack ARCHIVE SHA256SUMS PLATFORM FOLDER
//
// It opens the archive only if its SHA-256 is the listed one, refuses it if any name in it leads out of a folder, and
// writes a library only if its SHA-256 is the listed one too.
package main

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: unpack ARCHIVE SHA256SUMS PLATFORM FOLDER")
		os.Exit(2)
	}
	sums, err := readSums(os.Args[2], os.Args[3])
	if err == nil {
		err = unpack(os.Args[1], sums, os.Args[4])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "setup:", err)
		os.Exit(1)
	}
}

// archiveName is the row of the archive itself among the sums of a platform.
const archiveName = "onnxruntime.jar"

// readSums reads the SHA-256 of each file of a platform by its name.
func readSums(file, platform string) (map[string]string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(b)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if name, ok := strings.CutPrefix(name, platform+"/"); ok {
			sums[name] = sum
		}
	}
	if len(sums) < 2 || sums[archiveName] == "" {
		return nil, fmt.Errorf("%s lists no archive and libraries of %s", file, platform)
	}
	return sums, nil
}

// unpack writes the listed libraries into a folder, all or none.
func unpack(archive string, sums map[string]string, folder string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	size, err := io.Copy(h, f)
	if err != nil {
		return err
	}
	if err := same(archive, h.Sum(nil), sums[archiveName]); err != nil {
		return err
	}
	z, err := zip.NewReader(f, size) // the open file, not one that may have come in its place
	if err != nil && err != zip.ErrInsecurePath {
		return fmt.Errorf("%s: %w", archive, err)
	}
	members, err := members(z, sums)
	if err != nil {
		return fmt.Errorf("%s: %w", archive, err)
	}
	for name, m := range members {
		if err := write(m, sums[name], filepath.Join(folder, name+".part")); err != nil {
			return err
		}
	}
	for name := range members {
		if err := os.Rename(filepath.Join(folder, name+".part"), filepath.Join(folder, name)); err != nil {
			return err
		}
	}
	return nil
}

// members finds the listed libraries, and refuses an archive that could write elsewhere or twice, wherever in it.
func members(z *zip.Reader, sums map[string]string) (map[string]*zip.File, error) {
	found := map[string]*zip.File{}
	for _, m := range z.File {
		if !filepath.IsLocal(m.Name) || strings.ContainsAny(m.Name, "\\\x00") || path.Clean(m.Name) != strings.TrimSuffix(m.Name, "/") {
			return nil, fmt.Errorf("the name %q leads elsewhere: the archive is refused", m.Name)
		}
		if !m.Mode().IsRegular() && !m.Mode().IsDir() {
			return nil, fmt.Errorf("%s is a link or a device (%v): the archive is refused", m.Name, m.Mode())
		}
		name := path.Base(m.Name)
		if _, wanted := sums[name]; !wanted || name == archiveName || m.Mode().IsDir() {
			continue
		}
		if found[name] != nil {
			return nil, fmt.Errorf("both %s and %s are in it", found[name].Name, m.Name)
		}
		found[name] = m
	}
	for name := range sums {
		if name != archiveName && found[name] == nil {
			return nil, fmt.Errorf("it holds no %s", name)
		}
	}
	return found, nil
}

// write unpacks a library, which must be the listed one, into a new file.
func write(m *zip.File, sum, path string) error {
	from, err := m.Open()
	if err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	defer from.Close()
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(to, h), from)
	if err == nil {
		err = same(m.Name, h.Sum(nil), sum)
	}
	if err == nil {
		err = to.Sync()
	}
	if closed := to.Close(); err == nil {
		err = closed
	}
	if err != nil {
		os.Remove(path)
		return err
	}
	return nil
}

// same compares a SHA-256.
func same(name string, sum []byte, want string) error {
	if got := hex.EncodeToString(sum); got != want {
		return fmt.Errorf("%s has the wrong SHA-256, %.12s... and not %.12s...: delete it and try again", name, got, want)
	}
	return nil
}
