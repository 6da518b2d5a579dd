package mpi

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zos-ort/models/ranks"
)

// asRank makes this test binary a rank that does the named thing.
const asRank = "ZOS_TEST_RANK"

func TestMain(m *testing.M) {
	if what := os.Getenv(asRank); what != "" {
		if err := beRank(what); err != nil {
			fmt.Fprintln(os.Stderr, "rank failed:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func beRank(what string) error {
	l, _ := Launched(os.Getenv)
	g, err := Open(l)
	if err != nil {
		return err
	}
	if g.Rank() != l.Rank || l.Local != g.Size() {
		return fmt.Errorf("rank %d of %d, the environment says %+v", g.Rank(), g.Size(), l)
	}
	switch what {
	case "abort":
		if g.Rank() == g.Size()-1 {
			g.Abort(7)
		}
		return g.Sum64([]float64{1}) // waits for the one that has aborted
	case "panic":
		if err := recovered(); err == nil {
			return errors.New("a fault is no panic any more")
		}
	}
	if err := work(g); err != nil {
		return err
	}
	if g.Rank() == 0 {
		fmt.Printf("%d ranks of %s\n", g.Size(), g.Library)
	}
	return g.Close()
}

// recovered reads through a nil pointer.
func recovered() (err error) {
	defer func() { err, _ = recover().(error) }()
	var p *Launch
	_ = p.Size
	return nil
}

// work checks every call with vectors of many lengths.
func work(g *Group) error {
	n := g.Size()
	for _, length := range []int{0, 1, 3, 1000, 1 << 20} {
		a, b := make([]float32, length), make([]float64, length)
		for i := range a {
			a[i], b[i] = float32(i%100+g.Rank()), float64(i%100*g.Rank())+.125
		}
		if err := errors.Join(g.Sum32(a), g.Sum64(b)); err != nil {
			return err
		}
		ids := n * (n - 1) / 2
		for i := range a {
			if want := float32(n*(i%100) + ids); a[i] != want {
				return fmt.Errorf("float32 sum %d of %d: got %v, want %v", i, length, a[i], want)
			}
			if want := float64(i%100*ids) + .125*float64(n); b[i] != want {
				return fmt.Errorf("float64 sum %d of %d: got %v, want %v", i, length, b[i], want)
			}
		}
	}
	for from := range n {
		text := []byte("nothing yet")
		if g.Rank() == from {
			text = []byte("hello there")
		}
		if err := g.Broadcast(text, from); err != nil || string(text) != "hello there" {
			return fmt.Errorf("broadcast: got %q, %w", text, err)
		}
	}
	return same(g)
}

// same sums numbers whose order matters and compares the bits.
func same(g *Group) error {
	v := make([]float32, 5000)
	for i := range v {
		v[i] = 1 / float32(1+(i*7919+g.Rank()*104729)%1000003)
	}
	if err := g.Sum32(v); err != nil {
		return err
	}
	return ranks.Alike(g, "sums", fmt.Append(nil, v))
}

// launcher finds a launcher of one of the two families; the other one may be there as well.
func launcher(t *testing.T, name string, args ...string) []string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("skipped: no MPI here: %s is missing", name)
	}
	return append([]string{path}, args...)
}

func families(t *testing.T, f func(t *testing.T, launch []string)) {
	t.Run("Open MPI", func(t *testing.T) {
		f(t, launcher(t, "mpirun.openmpi", "--allow-run-as-root", "--oversubscribe"))
	})
	t.Run("MPICH", func(t *testing.T) { f(t, launcher(t, "mpiexec.mpich")) })
}

// start runs ranks of this test binary.
func start(t *testing.T, launch []string, n int, what string, env ...string) (string, error) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(launch[0], append(launch[1:], "-n", fmt.Sprint(n), exe)...)
	cmd.Env = append(append(os.Environ(), asRank+"="+what), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	return out.String(), err
}

// Every call works, with the handles of both binary interfaces, and Go's faults stay panics.
func TestRanks(t *testing.T) {
	families(t, func(t *testing.T, launch []string) {
		for _, n := range []int{1, 2, 4} {
			if out, err := start(t, launch, n, "panic"); err != nil || !strings.Contains(out, fmt.Sprint(n, " ranks of ")) {
				t.Errorf("%d ranks: %v\n%s", n, err, out)
			}
		}
	})
}

// A rank that aborts ends those that wait for it.
func TestAbort(t *testing.T) {
	families(t, func(t *testing.T, launch []string) {
		begin := time.Now()
		out, err := start(t, launch, 2, "abort")
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 7 || time.Since(begin) > 30*time.Second {
			t.Errorf("after %v: %v, want exit status 7\n%s", time.Since(begin), err, out)
		}
	})
}

// A library that is not the launcher's would make every process a world of its own.
func TestForeignLibrary(t *testing.T) {
	launch := launcher(t, "mpirun.openmpi", "--allow-run-as-root", "--oversubscribe")
	launcher(t, "mpiexec.mpich")
	out, err := start(t, launch, 2, "work", LibraryVariable+"="+DebianMPICH)
	if err == nil || !strings.Contains(out, "has started 2 processes, but libmpich.so.12") ||
		!strings.Contains(out, "knows of 1") {
		t.Errorf("got %v\n%s", err, out)
	}
}

// What cannot be opened is named with its reason.
func TestMissingLibrary(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "libmpi.so")
	if err := os.WriteFile(empty, []byte("no library"), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/nowhere/libmpi.so": "/nowhere/libmpi.so: cannot open",
		empty: empty, "libdl.so.2": "libdl.so.2: it has no MPI_Init_thread"} {
		t.Setenv(LibraryVariable, path)
		_, err := Open(Launch{})
		if err == nil || !strings.Contains(err.Error(), "no library of MPI can be opened: ") ||
			!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestLaunched(t *testing.T) {
	for _, c := range []struct {
		env     string
		want    Launch
		several bool
	}{
		{"", Launch{Local: 1}, false},
		{"SLURM_NTASKS=4 SLURM_PROCID=1", Launch{Local: 1}, false}, // a batch script, or srun --mpi=none
		{"OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_SIZE=2 PMIX_RANK=1",
			Launch{Rank: 1, Size: 4, Local: 2, Seat: 1, By: "mpirun of Open MPI"}, true},
		{"PMIX_RANK=0 SLURM_STEP_NUM_TASKS=1 SLURM_STEP_TASKS_PER_NODE=1",
			Launch{Size: 1, Local: 1, By: "srun with PMIx"}, false},
		{"PMIX_RANK=2 SLURM_STEP_NUM_TASKS=6 SLURM_STEP_TASKS_PER_NODE=2(x3) SLURM_LOCALID=1",
			Launch{Rank: 2, Size: 6, Local: 1, Seat: 1, By: "srun with PMIx"}, true},
		{"PMIX_RANK=2", Launch{Rank: 2, Local: 1, By: "srun with PMIx"}, true},
		{"PMI_RANK=3 PMI_SIZE=8 MPI_LOCALNRANKS=8",
			Launch{Rank: 3, Size: 8, Local: 8, Seat: 3, By: "a launcher with PMI", mpich: true}, true},
		{"PMI_RANK=x PMI_SIZE=8", Launch{Local: 1}, false},
	} {
		env := map[string]string{}
		for pair := range strings.FieldsSeq(c.env) {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		l, ok := Launched(func(name string) string { return env[name] })
		c.want.known = c.want.By != ""
		if l != c.want || ok != c.want.known || l.Several() != c.several {
			t.Errorf("%s: got %+v, want %+v", c.env, l, c.want)
		}
	}
}
