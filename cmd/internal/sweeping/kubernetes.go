package sweeping

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/cells"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
)

// Executors of a sweep.
const (
	Local      = "local"
	Slurm      = "slurm"
	Kubernetes = "kubernetes"
)

// KubernetesFlags describe the Job of a sweep.
func KubernetesFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "kube-image", Usage: "container `IMAGE` with zos-ort"},
		&cli.StringFlag{Name: "kube-claim", Usage: "`NAME` of the persistent volume claim that holds the sweep and the images"},
		&cli.StringFlag{Name: "kube-mount", Usage: "`PATH` of this volume, here and in the pods alike"},
		&cli.StringFlag{Name: "kube-namespace", Usage: "`NAME` of the namespace", DefaultText: "that of kubectl"},
		&cli.StringFlag{Name: "kube-queue", Usage: "`NAME` of a local queue of Kueue", DefaultText: "none"},
		&cli.BoolFlag{Name: "apply", Usage: "hand the Job to the cluster with kubectl"},
		&cli.StringFlag{Name: "cell-list", Usage: "run the cell that line $" + cells.IndexVariable + " of `FILE` names, counted " +
			"from 0: what a pod of Kubernetes does"},
	}
}

var (
	imageName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/:@-]*$`)
	dnsLabel  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	dnsName   = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
)

// checkKubernetes refuses what no cluster would take.
func (x *Matrix) checkKubernetes(c *cli.Context) error {
	if x.Executor != Kubernetes {
		for _, f := range KubernetesFlags() {
			if name := f.Names()[0]; c.IsSet(name) {
				return terminal.Usagef("--%s is for --executor %s", name, Kubernetes)
			}
		}
		return nil
	}
	for _, f := range []struct {
		name, what string
		form       *regexp.Regexp
		needed     bool
	}{{"kube-image", "the name of a container image", imageName, true},
		{"kube-claim", "the name of a persistent volume claim", dnsName, true},
		{"kube-namespace", "the name of a namespace", dnsLabel, false},
		{"kube-queue", "the name of a queue", dnsLabel, false}} {
		switch text := c.String(f.name); {
		case text == "" && f.needed:
			return terminal.Usagef("--executor %s needs --%s, %s", Kubernetes, f.name, f.what)
		case (text != "" || c.IsSet(f.name)) && !f.form.MatchString(text):
			return terminal.Usagef("--%s is %s, got %q", f.name, f.what, text)
		}
	}
	x.mount = c.String("kube-mount")
	switch {
	case x.mount == "":
		return terminal.Usagef("--executor %s needs --kube-mount, where this machine and the pods have the volume", Kubernetes)
	case !filepath.IsAbs(x.mount) || filepath.Clean(x.mount) == "/" || strings.Contains(x.mount, ":"):
		return terminal.Usagef("--kube-mount is an absolute path below / without colons, got %q", x.mount)
	case c.Bool("apply") && !cells.HasKubectl():
		return fmt.Errorf("--apply needs kubectl, which is not on this machine: leave --apply away, and apply the Job from where it is")
	}
	return nil
}

// shared refuses a path that pods do not see.
func (x *Matrix) shared(what, path string) error {
	if x.mount == "" || path == "" {
		return nil
	}
	inside, err := filepath.Rel(x.mount, path)
	if err != nil || !filepath.IsLocal(inside) {
		return terminal.Usagef("%s %s is not below --kube-mount %s: pods would not see it", what, path, x.mount)
	}
	return nil
}

// visible refuses an experiment with files that pods do not see.
func (x *Matrix) visible(e settings.Experiment) error {
	for _, f := range []struct{ what, path string }{{"--data", e.Images.Folder}, {"--mask", e.Ranking.MaskFile},
		{"--truth", e.Execution.Truth}} {
		if x.mount != "" && f.path != "" && !filepath.IsAbs(f.path) {
			return terminal.Usagef("%s %s: give an absolute path, which pods see", f.what, f.path)
		}
		if err := x.shared(f.what, f.path); err != nil {
			return err
		}
	}
	return nil
}

// kubernetes writes a Job of the cells that are not done, hands it to the cluster if that is asked for, and does not wait:
// the same command collects what is done, ranks, and writes the Job of the rest.
func (s *work) kubernetes(c *cli.Context) error {
	list, busy := s.idle(s.todo())
	if busy > 0 {
		s.console.Say("%d runs are still at work", busy)
	}
	if len(list) == 0 {
		s.console.Say("there is no run to make a Job of")
		return s.finish(c.Context, busy > 0)
	}
	k := s.indexed(c)
	last, err := k.Last()
	if err != nil {
		return err
	}
	if c.Bool("apply") && last > 0 {
		m := k.Manifest(last)
		active, err := m.Active(c.Context, k.Namespace)
		if err != nil {
			return err
		}
		if active {
			s.console.Say("job %s is still at work", m.Name)
			return s.finish(c.Context, true)
		}
	}
	attempts := s.attempts()
	ids, err := s.prepare(list)
	if err != nil {
		return err
	}
	m, err := k.Write(ids, attempts)
	if err != nil {
		return err
	}
	if c.Bool("apply") {
		if err := m.Apply(c.Context); err != nil {
			return err
		}
		s.console.Say("submitted job %s with %d runs; kubectl delete job %[1]s ends it", m.Name, len(ids))
	} else {
		s.console.Result("job %s with %d runs is written; submit it with: %s", m.Name, len(ids), m.Command())
	}
	return s.finish(c.Context, true)
}

// idle leaves out the cells that a process holds.
func (s *work) idle(todo []int) (list []int, busy int) {
	for _, i := range todo {
		if cells.AtWork(filepath.Join(s.out, s.cells[i].ID())) {
			s.report(i, "at work")
			busy++
		} else {
			list = append(list, i)
		}
	}
	return list, busy
}

// attempts counts how often anything was tried.
func (s *work) attempts() (n int) {
	for _, c := range s.cells {
		for _, p := range c.Phases {
			n += p.Attempts
		}
	}
	return n
}

// indexed describes the Job, whose pods run as who owns the folder of the sweep.
func (s *work) indexed(c *cli.Context) cells.Kubernetes {
	return cells.Kubernetes{Root: s.out, Image: c.String("kube-image"), Claim: c.String("kube-claim"), Mount: s.mount,
		Queue: c.String("kube-queue"), Namespace: c.String("kube-namespace"), Threads: s.Threads, Memory: s.taskMemory(),
		GPU: s.gpu, Jobs: s.Jobs, User: os.Getuid(), Group: os.Getgid()}
}
