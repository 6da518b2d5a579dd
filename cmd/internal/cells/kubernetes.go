package cells

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"zos-ort/models/file"

	"zos-ort/cmd/internal/host"
)

// Kubernetes runs cells as the indexes of a Job, in pods that see the folder of the sweep at the same path.
type Kubernetes struct {
	Root      string // folder of the sweep, absolute
	Image     string
	Claim     string // the persistent volume claim with the folder
	Mount     string // where pods and this machine have it
	Queue     string // of Kueue; "" for none
	Namespace string // "" for that of kubectl
	Threads   int    // of a pod
	Memory    int64  // of a pod, bytes
	GPU       bool   // a pod needs one
	Jobs      int    // pods at the same time; 0 for all
	User      int    // who owns the folder, and so who pods run as
	Group     int
}

// Manifest is a Job in a file.
type Manifest struct {
	Name, Path string
}

// IndexVariable tells a pod of an indexed Job its number.
const IndexVariable = "JOB_COMPLETION_INDEX"

// retries is how often an index that ended with an error begins again. What evicts a pod is not counted.
const retries = 2

// kubernetesDir holds the files of the jobs, inside the folder of the sweep.
const kubernetesDir = "kubernetes"

// list is the file that maps the indexes of a job to cells, one a line.
func (k Kubernetes) list(job int) string {
	return filepath.Join(k.Root, kubernetesDir, fmt.Sprintf("cells-%d.txt", job))
}

// manifest is the file of a job.
func (k Kubernetes) manifest(job int) string {
	return filepath.Join(k.Root, kubernetesDir, fmt.Sprintf("job-%d.yaml", job))
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// name is that of a job in the cluster. Sweeps in folders of the same name differ by a checksum of the path.
func (k Kubernetes) name(job int) string {
	base := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(filepath.Base(k.Root)), "-"), "-")
	sum := sha256.Sum256([]byte(k.Root))
	return fmt.Sprintf("zos-ort-%s-%x-%d", strings.Trim("sweep-"+base[:min(len(base), 24)], "-"), sum[:3], job)
}

// Last is the number of the job that was written last, 0 if there is none.
func (k Kubernetes) Last() (n int, err error) {
	entries, err := os.ReadDir(filepath.Join(k.Root, kubernetesDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("kubernetes: %w", err)
	}
	for _, e := range entries {
		text, isJob := strings.CutPrefix(strings.TrimSuffix(e.Name(), ".yaml"), "job-")
		if i, err := strconv.Atoi(text); isJob && err == nil {
			n = max(n, i)
		}
	}
	return n, nil
}

// Write writes the Job of at least one cell, given by its folder inside the sweep's, under the next number. A cluster
// takes no changes of a job that it has, but one that nothing has been tried of since is written as it was.
func (k Kubernetes) Write(cells []string, attempts int) (m Manifest, err error) {
	job, err := k.Last()
	if err != nil {
		return m, err
	}
	list := []byte(strings.Join(cells, "\n") + "\n")
	if !k.same(job, list, attempts) {
		job++
	}
	m = k.Manifest(job)
	content, err := k.Job(job, len(cells), attempts)
	if err != nil {
		return m, err
	}
	if err := os.MkdirAll(filepath.Dir(m.Path), 0o755); err != nil {
		return m, fmt.Errorf("kubernetes: %w", err)
	}
	if err := file.Write(k.list(job), list, 0o644); err != nil {
		return m, fmt.Errorf("kubernetes: %w", err)
	}
	if err := file.Write(m.Path, content, 0o644); err != nil {
		return m, fmt.Errorf("kubernetes: %w", err)
	}
	return m, nil
}

// same says whether a job that was written is this one.
func (k Kubernetes) same(job int, list []byte, attempts int) bool {
	before, err := os.ReadFile(k.list(job))
	if err != nil || !bytes.Equal(before, list) {
		return false
	}
	content, err := k.Job(job, bytes.Count(list, []byte("\n")), attempts)
	if err != nil {
		return false
	}
	before, err = os.ReadFile(k.manifest(job))
	return err == nil && bytes.Equal(before, content)
}

// Job is the manifest of a job with so many indexes.
func (k Kubernetes) Job(job, indexes, attempts int) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(k.spec(job, indexes, attempts)); err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	return b.Bytes(), nil
}

// Active reports whether the cluster still works on a job.
func (m Manifest) Active(ctx context.Context, namespace string) (bool, error) {
	out, err := kubectl(ctx, namespace, "get", "job", m.Name, "--ignore-not-found", "--output",
		`jsonpath={.metadata.name} {.status.conditions[?(@.status=="True")].type}`)
	if err != nil {
		return false, err
	}
	words := strings.Fields(out)
	for _, w := range words {
		if w == "Complete" || w == "Failed" {
			return false, nil
		}
	}
	return len(words) > 0, nil
}

// Manifest names a job that was written.
func (k Kubernetes) Manifest(job int) Manifest { return Manifest{k.name(job), k.manifest(job)} }

// Apply hands a job to the cluster.
func (m Manifest) Apply(ctx context.Context) error {
	_, err := kubectl(ctx, "", "apply", "--filename", m.Path)
	return err
}

// Command is what a user types to hand it to the cluster.
func (m Manifest) Command() string { return "kubectl apply --filename " + quote(m.Path) }

// kubectl runs the client of the cluster.
func kubectl(ctx context.Context, namespace string, args ...string) (string, error) {
	if namespace != "" {
		args = append([]string{"--namespace", namespace}, args...)
	}
	return output(ctx, "kubernetes", "kubectl", args...)
}

// HasKubectl says whether there is a client of a cluster on this machine.
func HasKubectl() bool {
	_, err := exec.LookPath("kubectl")
	return err == nil
}

// AtWork reports whether a process holds the cell in a folder, on this machine or one that shares its file locks.
func AtWork(dir string) bool {
	f, err := host.Take(filepath.Join(dir, "lock"))
	if err == nil {
		f.Close()
	}
	return errors.Is(err, host.ErrTaken)
}

// Indexed is the folder of the cell that a line of a list names, counted from 0.
func Indexed(list, index string) (string, error) {
	b, err := os.ReadFile(list)
	if err != nil {
		return "", fmt.Errorf("cells of the job: %w", err)
	}
	lines := strings.Fields(string(b))
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(lines) {
		return "", fmt.Errorf("%s is %q, a number from 0 on below the %d cells of %s is wanted: Kubernetes sets it in the pods of "+
			"an indexed Job", IndexVariable, index, len(lines), list)
	}
	if !filepath.IsLocal(lines[i]) {
		return "", fmt.Errorf("%s: line %d, %q, is no cell of the sweep", list, i+1, lines[i])
	}
	return filepath.Join(filepath.Dir(filepath.Dir(list)), lines[i]), nil
}
