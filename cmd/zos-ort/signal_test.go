package main

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"zos-ort/cmd/internal/report"
	"zos-ort/graphgen/onnx"
	"zos-ort/ort/program"
)

// TestSignals interrupts a search after its first epoch: it ends soon, with the signal's
// status, and what it has saved is whole.
func TestSignals(t *testing.T) {
	needRuntime(t)
	mask := filepath.Join(t.TempDir(), "mask")
	runProgram(t, append([]string{"search", "--method", "zos-rnd", "--epochs", "1", "--warmup", "0",
		"--quiet", "--network-channels", "4", "--network-cells", "3", "--out", mask}, tiny...)...)
	for _, c := range []struct {
		signal os.Signal
		status int
	}{{os.Interrupt, exitInterrupt}, {syscall.SIGTERM, exitTerminate}, {syscall.SIGHUP, exitHangup}} {
		t.Run(c.signal.String(), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			status, stdout, stderr := signalled(t, c.signal, filepath.Join(dir, "alphas.json"),
				append([]string{"search", "--epochs", "1000", "--json", "--out", dir, "--mask",
					filepath.Join(mask, "mask.json")}, tiny...)...)
			if status != c.status || stdout != "" {
				t.Errorf("status %d, want %d; standard output %q", status, c.status, stdout)
			}
			if strings.Contains(stderr, "error") || !strings.Contains(stderr, "stopped by a signal") {
				t.Errorf("standard error: %s", stderr)
			}
			if _, err := os.Stat(filepath.Join(dir, "genotype.json")); err == nil {
				t.Error("there is a final genotype: the search ended before the signal")
			}
			parseRun(t, dir)
		})
	}
}

// TestSignalWhilePruning: what was ranked by then is saved, and the user is told how to go on.
func TestSignalWhilePruning(t *testing.T) {
	needRuntime(t)
	dir := filepath.Join(t.TempDir(), "run")
	status, stdout, stderr := signalled(t, os.Interrupt, filepath.Join(dir, "checkpoints", "*"),
		append([]string{"prune", "--out", dir, "--settle", "0", "--repeats", "1000"}, tinyPrune...)...)
	if status != exitInterrupt || strings.Contains(stderr, "error") {
		t.Errorf("status %d, want %d; output %q %q", status, exitInterrupt, stdout, stderr)
	}
	if !strings.Contains(stderr, "saved; resume with: zos-ort prune --resume "+dir) {
		t.Errorf("standard error: %s", stderr)
	}
}

// signalled starts the program, sends the signal once a file of the pattern is there, and waits for the end. The program
// gets the signal's default, also where the tests run under nohup.
func signalled(t *testing.T, sig os.Signal, file string, args ...string) (int, string, string) {
	t.Helper()
	var stdout, stderr strings.Builder
	cmd := exec.Command("zos-ort", args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, sig)
	defer signal.Stop(caught)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killer := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer killer.Stop()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for matches, _ := filepath.Glob(file); len(matches) == 0; matches, _ = filepath.Glob(file) {
		select {
		case err := <-ended:
			t.Fatalf("ended before %s was there: %v\n%s", file, err, stderr.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err := cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	err := <-ended
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

// parseRun reads every file of a run directory with the reader of its kind.
func parseRun(t *testing.T, dir string) {
	t.Helper()
	files := regularFiles(t, dir)
	if len(files) < 4 {
		t.Errorf("only %q in the run directory", files)
	}
	for _, path := range files {
		content := readFile(t, path)
		var err error
		switch filepath.Ext(path) {
		case ".json":
			err = json.Unmarshal([]byte(content), new(map[string]any))
		case ".csv":
			_, err = csv.NewReader(strings.NewReader(content)).ReadAll()
		case ".onnx":
			_, err = onnx.Parse([]byte(content))
		case ".state":
			_, err = program.ReadVectors(path)
		case ".svg":
			err = wellFormed(content)
		case ".dot":
			if !strings.HasPrefix(content, "digraph") || !strings.HasSuffix(content, "}\n") {
				err = errors.New("is no graph in DOT form")
			}
		case ".md", ".png", ".zos-ort":
			continue
		case ".html":
			if !strings.Contains(content, report.Mark) || !strings.HasSuffix(content, "</html>\n") {
				err = errors.New("is no whole page")
			}
		default:
			err = errors.New("is a file of an unknown kind")
		}
		if err != nil || content == "" {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// wellFormed reads XML to its end.
func wellFormed(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
