package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// entry is a member of an archive.
type entry struct {
	name, content string
	mode          fs.FileMode
}

// archive writes a zip file and returns its path.
func archive(t *testing.T, entries ...entry) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		h.SetMode(e.mode | 0o644)
		f, err := w.CreateHeader(h)
		if err == nil {
			_, err = f.Write([]byte(e.content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "fetched.jar")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// TestUnpack: the listed libraries come out whole; an archive that is not the listed one, or that holds a foreign path
// anywhere, writes nothing.
func TestUnpack(t *testing.T) {
	good := entry{name: "org/x/lib.so.1", content: "library"}
	for _, c := range []struct {
		name    string
		entries []entry
		want    string
	}{
		{"good", []entry{{name: "org/x/", mode: fs.ModeDir}, good, {name: "other.txt"}}, ""},
		{"missing", []entry{{name: "other.txt"}}, "it holds no lib.so.1"},
		{"parent", []entry{good, {name: "../evil"}}, `the name "../evil" leads elsewhere`},
		{"inner parent", []entry{good, {name: "a/../../evil"}}, "leads elsewhere"},
		{"roundabout", []entry{good, {name: "a/../b"}}, "leads elsewhere"},
		{"absolute", []entry{good, {name: "/etc/evil"}}, "leads elsewhere"},
		{"backslash", []entry{good, {name: `..\evil`}}, "leads elsewhere"},
		{"link", []entry{good, {name: "out", content: "/etc", mode: fs.ModeSymlink}}, "out is a link or a device"},
		{"library as a link", []entry{{name: "lib.so.1", content: "/etc/passwd", mode: fs.ModeSymlink}}, "is a link"},
		{"twice", []entry{good, {name: "lib.so.1", content: "library"}}, "both org/x/lib.so.1 and lib.so.1"},
		{"another library", []entry{{name: "lib.so.1", content: "libraries"}}, "lib.so.1 has the wrong SHA-256"},
	} {
		path := archive(t, c.entries...)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		folder := t.TempDir()
		sums := map[string]string{archiveName: sumOf(b), "lib.so.1": sumOf([]byte("library"))}
		err = unpack(path, sums, folder)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		files, _ := os.ReadDir(folder)
		if n := len(files); c.want != "" && n > 0 || c.want == "" && n != 1 {
			t.Errorf("%s: files %v", c.name, files)
		}
		sums[archiveName] = sumOf([]byte("another"))
		if err := unpack(path, sums, t.TempDir()); err == nil || !strings.Contains(err.Error(), "fetched.jar has the wrong SHA-256") {
			t.Errorf("%s: an archive that is not listed: %v", c.name, err)
		}
	}
}

// TestSums: every platform that setup.sh names has its archive and its libraries in the list.
func TestSums(t *testing.T) {
	for platform, n := range map[string]int{"linux-x86_64": 2, "linux-arm64": 2, "macosx-arm64": 2, "macosx-x86_64": 2,
		"linux-x86_64-gpu": 4} {
		sums, err := readSums("../SHA256SUMS", platform)
		if err != nil || len(sums) != n {
			t.Errorf("%s: %v, %v", platform, sums, err)
		}
		for name, sum := range sums {
			if len(sum) != 64 {
				t.Errorf("%s/%s has the sum %q", platform, name, sum)
			}
		}
	}
	if _, err := readSums("../SHA256SUMS", "plan9"); err == nil {
		t.Error("plan9 has a runtime")
	}
}
