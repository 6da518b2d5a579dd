package cluster

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

const root = "../.."

// stages parses the Dockerfile as a build does.
func stages(t *testing.T) (list []instructions.Stage) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := parser.Parse(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range r.Warnings {
		t.Errorf("warning: %s", w.Short)
	}
	if list, _, err = instructions.Parse(r.AST, nil); err != nil {
		t.Fatal(err)
	}
	return list
}

// TestDockerfile: two stages, the last of which starts from nothing, takes what the first has built, and runs as a user
// without rights.
func TestDockerfile(t *testing.T) {
	list := stages(t)
	if len(list) != 2 || list[1].BaseName != "scratch" || !strings.HasPrefix(list[0].BaseName, "golang:") {
		t.Fatalf("stages %+v", list)
	}
	user, entry := "", []string(nil)
	for _, c := range list[1].Commands {
		switch c := c.(type) {
		case *instructions.CopyCommand:
			if c.From != list[0].Name || c.SourcePaths[0] != "/image" || c.DestPath != "/" {
				t.Errorf("%v copies from %q", c, c.From)
			}
		case *instructions.UserCommand:
			user = c.User
		case *instructions.EntrypointCommand:
			entry = c.CmdLine
			if c.PrependShell {
				t.Error("the entry point needs a shell, which the image does not have")
			}
		case *instructions.RunCommand:
			t.Errorf("%v runs where there is no shell", c)
		}
	}
	if !regexp.MustCompile(`^[1-9][0-9]*:[1-9][0-9]*$`).MatchString(user) {
		t.Errorf("user %q is not a number above 0: Kubernetes cannot tell that it is not root", user)
	}
	if len(entry) != 1 || entry[0] != "/usr/bin/zos-ort" {
		t.Errorf("entry point %q", entry)
	}
}

// TestDockerfileBuilds: the version of Go is that of the module, the targets of make exist, and what the first stage copies
// from the repository is there.
func TestDockerfileBuilds(t *testing.T) {
	module, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	build := stages(t)[0]
	version := strings.TrimPrefix(build.BaseName, "golang:")
	if !regexp.MustCompile(`(?m)^go ` + regexp.QuoteMeta(version) + `(\.|$)`).Match(module) {
		t.Errorf("the image has Go %s, go.mod asks for another one", version)
	}
	made := 0
	for _, c := range build.Commands {
		switch c := c.(type) {
		case *instructions.CopyCommand:
			for _, path := range c.SourcePaths {
				if _, err := os.Stat(filepath.Join(root, path)); err != nil {
					t.Error(err)
				}
			}
		case *instructions.RunCommand:
			line := strings.Join(c.CmdLine, " ")
			if !strings.HasPrefix(line, "make ") {
				continue
			}
			made++
			cmd := exec.Command("sh", "-c", strings.Replace(line, "make ", "make -n ", 1))
			cmd.Dir, cmd.Env = root, append(os.Environ(), "VERSION=test")
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "image.sh") {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
		}
	}
	if made != 1 {
		t.Errorf("%d calls of make", made)
	}
}
