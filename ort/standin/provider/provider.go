// Package provider runs tests under the stand-in for CUDA, in processes of their own.
package provider

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"zos-ort/ort"
	"zos-ort/ort/standin"
)

// variable tells a test that its process runs under the CUDA stand-in.
const variable = "ZOS_STANDIN"

// Environment is that of a process under the stand-in, whose libraries are in a folder.
func Environment(libraries string) []string {
	counts := filepath.Join(libraries, "counts")
	return []string{variable + "=" + counts, standin.CountsVariable + "=" + counts, ort.CUDAPathVariable + "=" + libraries}
}

// StandsIn reports whether this process runs under the stand-in.
func StandsIn() bool { return os.Getenv(variable) != "" }

// Run runs the body of a test in a process of its own, where the real CUDA provider runs under the
// stand-in of package standin. counts is the file that counts the provider's requests. Run skips
// the test without that provider (make setup-cuda) or a C compiler.
func Run(t *testing.T, env []string, body func(t *testing.T, cuda *ort.CUDA, counts string)) {
	t.Helper()
	if counts := os.Getenv(variable); counts != "" {
		c := &ort.CUDA{}
		if err := ort.OpenCUDA(ort.FindDevices(ort.CUDAFolders()), *c); err != nil {
			t.Fatal(err)
		}
		body(t, c, counts)
		return
	}
	if _, err := ort.LocateCUDA(); err != nil {
		t.Skipf("skipped: %v", err)
	}
	libraries := standin.Build(t)
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = slices.Concat(os.Environ(), Environment(libraries), env)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
