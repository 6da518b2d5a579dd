package conformance

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/ort"
	"zos-ort/ort/standin"
	"zos-ort/ort/standin/provider"
)

// The script of the kit for GPU machines (make gpu-kit).
const kitScript = "../../zos-ort/kit/run.sh"

// kit is the unpacked kit under the stand-in for CUDA.
type kit struct {
	script, home, results, libraries string
}

func newKit(t *testing.T) kit {
	t.Helper()
	if _, err := ort.LocateCUDA(); err != nil {
		t.Skipf("skipped: %v", err)
	}
	dir := t.TempDir()
	k := kit{script: check.Must(filepath.Abs(kitScript))(t), home: filepath.Join(dir, "home"),
		results: filepath.Join(dir, "results"), libraries: standin.Build(t)}
	if err := os.Mkdir(k.home, 0o700); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", filepath.Join(k.home, "zos-ort"), "zos-ort/cmd/zos-ort")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for link, to := range map[string]string{"conformance.test": check.Must(os.Executable())(t), "cache": ort.CacheDir()} {
		if err := os.Symlink(to, filepath.Join(k.home, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(k.home, "done"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return k
}

// run makes steps with variables of the environment, and wants an exit status.
func (k kit) run(t *testing.T, want int, env []string, steps ...string) string {
	t.Helper()
	cmd := exec.Command("sh", slices.Concat([]string{k.script, k.results}, steps)...)
	cmd.Env = slices.Concat(os.Environ(), provider.Environment(k.libraries),
		[]string{standin.IdleVariable + "=1", "KIT_HOME=" + k.home, "KIT_SHORT=1", "KIT_SECONDS=900"}, env)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Fatalf("status %d, want %d\n%s", got, want, out)
	}
	return string(out)
}

// status is what the results say of a step, empty if they say nothing.
func (k kit) status(name string) string {
	b, _ := os.ReadFile(filepath.Join(k.results, name+".status"))
	s, _, _ := strings.Cut(string(b), " ")
	return s
}

func (k kit) text(t *testing.T, file string) string {
	t.Helper()
	return string(check.Must(os.ReadFile(filepath.Join(k.results, file)))(t))
}

// The kit is rehearsed on the stand-in: the card disappears in the middle, its memory runs out, time runs out; every
// time the next run goes on where the one before ended, and nothing is made twice.
func TestKit(t *testing.T) {
	k := newKit(t)
	k.run(t, 0, nil, "versions", "bench")
	if !strings.Contains(k.text(t, "versions.txt"), "stand-in for a GPU") || !strings.Contains(k.text(t, "bench.json"), `"peak_bytes"`) {
		t.Error("versions and bench tell nothing of the card")
	}

	out := k.run(t, 3, []string{standin.ErrorVariable + "=100"}, "one-method", "tf32")
	if !strings.Contains(out, "the card is gone") || k.status("one-method")+k.status("tf32") != "" {
		t.Errorf("without a card: %s", out)
	}
	k.run(t, 0, nil, "one-method")

	k.run(t, 1, []string{standin.BytesVariable + "=400000"}, "search")
	if s := k.text(t, "search.txt"); k.status("search") == "0" || !strings.Contains(s, "zos-ort: error: ") || strings.Contains(s, "goroutine") {
		t.Errorf("without memory: %s", s)
	}
	for _, f := range []string{"search.status", "search"} { // as who has made room would do
		if err := os.RemoveAll(filepath.Join(k.results, f)); err != nil {
			t.Fatal(err)
		}
	}

	if k.run(t, 4, []string{"KIT_SECONDS=1"}); k.status("search") != "" {
		t.Error("a step was made without time for it")
	}
	before := check.Must(os.Stat(filepath.Join(k.results, "bench.json")))(t).ModTime()
	k.run(t, 0, nil)
	for _, name := range []string{"versions", "one-method", "bench", "own-kernels", "graphs", "bench-own", "bench-graphs", "bench-own-graphs",
		"all-methods", "search", "bench-2", "bench-own-2", "bench-graphs-2", "bench-own-graphs-2", "larger", "tf32", "bf16", "bf16-own",
		"retraining"} {
		if k.status(name) != "0" {
			t.Errorf("%s has status %q", name, k.status(name))
		}
	}
	if s := k.text(t, "bench-own-graphs-2.txt"); strings.Contains(s, "runs without") {
		t.Errorf("a program is no graph: %s", s)
	}
	if s := k.text(t, "bench-own-graphs-2.json"); !strings.Contains(s, `"gpu_kernels": "own"`) || !strings.Contains(s, `"cuda_graphs": "on"`) {
		t.Errorf("our kernels as graphs: %s", s)
	}
	if after := check.Must(os.Stat(filepath.Join(k.results, "bench.json")))(t).ModTime(); after != before {
		t.Error("a finished step was made again")
	}
	if s := k.text(t, "summary.txt"); !strings.Contains(s, "retraining") {
		t.Errorf("summary:\n%s", s)
	}
	packed := check.Must(exec.Command("tar", "-tJf", filepath.Join(k.results, "results.tar.xz")).Output())(t)
	for _, f := range []string{"./search/metrics.csv", "./bench.json", "./summary.txt"} {
		if !strings.Contains(string(packed), f+"\n") {
			t.Errorf("%s is not packed:\n%s", f, packed)
		}
	}
	if strings.Contains(string(packed), "checkpoints") {
		t.Error("checkpoints are packed")
	}
}

// A kit with a damaged part does not begin.
func TestDamagedKit(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"run.sh": string(check.Must(os.ReadFile(kitScript))(t)),
		"program.tar.xz": "no archive", "runtime.part-00": "half",
		"SHA256SUMS": strings.Repeat("0", 64) + "  runtime.part-00\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("sh", filepath.Join(dir, "run.sh"), filepath.Join(dir, "results")).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "kit: a file is damaged or missing") {
		t.Errorf("%v\n%s", err, out)
	}
}
