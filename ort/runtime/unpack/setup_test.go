package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSetupRefusesAnotherArchive runs setup.sh with a Maven that brings another archive: nothing of it reaches the
// cache. A library in the cache that is not the listed one is not taken for one.
func TestSetupRefusesAnotherArchive(t *testing.T) {
	for _, tool := range []string{"sh", "go"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("no " + tool + " here")
		}
	}
	bin, cache := t.TempDir(), t.TempDir()
	jar := archive(t, entry{name: "libonnxruntime.so.1", content: "evil"})
	maven := "#!/bin/sh\nfor a; do case $a in -Dzos.target=*) cp " + jar + " \"${a#*=}/onnxruntime.jar\";; esac; done\n"
	if err := os.WriteFile(filepath.Join(bin, "mvn"), []byte(maven), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "../setup.sh")
	cmd.Env = append(os.Environ(), "ZOS_CACHE="+cache, "PATH="+bin+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "onnxruntime.jar has the wrong SHA-256") {
		t.Errorf("%v: %s", err, out)
	}
	err = filepath.WalkDir(cache, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			t.Errorf("%s was left", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
