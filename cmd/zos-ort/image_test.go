package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"zos-ort/graphgen/check"
)

// TestImage: the files of the image are all that a search needs, for a user without rights, in a root folder of its own.
func TestImage(t *testing.T) {
	needRuntime(t)
	if os.Getuid() != 0 {
		t.Skip("only root may change the root folder")
	}
	root := filepath.Join(t.TempDir(), "image")
	program := check.Must(exec.LookPath("zos-ort"))(t)
	out, err := exec.Command("sh", "image.sh", program, root).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	again, err := exec.Command("sh", "image.sh", program, root).CombinedOutput()
	if err == nil || !strings.Contains(string(again), "exists already") {
		t.Errorf("over an image: %v, %s", err, again)
	}
	cmd := exec.Command("/usr/bin/zos-ort", append([]string{"search", "--method", "random", "--out", "run", "--network-channels", "4",
		"--network-cells", "3"}, tiny...)...)
	cmd.Dir, cmd.Env = "/work", []string{"PATH=/usr/bin", "HOME=/work",
		"ONNXRUNTIME_SHARED_LIBRARY_PATH=/usr/lib/zos-ort/libonnxruntime.so.1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(root, "work", "run", "network.onnx")); err != nil {
		t.Error(err)
	}
}
