package nccl_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"zos-ort/graphgen/pass"
	"zos-ort/models/ranks"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/ort"
	"zos-ort/ort/mpi"
	"zos-ort/ort/nccl"
	"zos-ort/ort/program"
	"zos-ort/ort/standin"
	"zos-ort/search"
	"zos-ort/search/data"
	"zos-ort/search/train"
)

// asRank makes this test binary a rank that does the named thing.
const asRank = "ZOS_TEST_RANK"

func TestMain(m *testing.M) {
	what := os.Getenv(asRank)
	if what == "" {
		os.Exit(m.Run())
	}
	if err := beRank(what); err != nil {
		fmt.Fprintln(os.Stderr, "rank failed:", err)
		os.Exit(1)
	}
}

func beRank(what string) error {
	l, _ := mpi.Launched(os.Getenv)
	below, err := mpi.Open(l)
	if err != nil {
		return err
	}
	defer func() { _ = below.Close() }()
	counts := fmt.Sprintf("%s.%d", os.Getenv(standin.CountsVariable), l.Rank)
	if err := os.Setenv(standin.CountsVariable, counts); err != nil {
		return err
	}
	folders := ort.CUDAFolders()
	if err := ort.OpenCUDA(ort.FindDevices(folders), ort.CUDA{}); err != nil {
		return err
	}
	library := ort.FindNCCL(folders)
	if what == "missing" && l.Rank == 1 {
		library.Path = ""
	}
	g, err := nccl.Open(below, library, ort.CUDA{})
	if what == "missing" {
		if !errors.As(err, new(ranks.Agreed)) || !strings.HasSuffix(err.Error(), "libnccl.so.2 is missing: pip install nvidia-nccl-cu13") {
			return fmt.Errorf("one rank has no library: %w", err)
		}
		return below.Sum64([]float64{1})
	}
	if err != nil {
		return err
	}
	defer g.Leave()
	if l.Rank == 0 {
		fmt.Println("NCCL", g.Version)
	}
	if what == "search" {
		return follow(g, below)
	}
	return work(g, below)
}

// work compares the sums with those of MPI, bit by bit where the order of two numbers does not matter.
func work(g *nccl.Group, below ranks.Group) error {
	for _, length := range []int{0, 1, 1000, 1<<20 + 3, 7} {
		v := make([]float32, length)
		for i := range v {
			v[i] = 1 / float32(1+(i*7919+g.Rank()*104729)%1000003)
		}
		want := slices.Clone(v)
		if err := errors.Join(g.Sum32(v), below.Sum32(want)); err != nil {
			return err
		}
		if !slices.EqualFunc(v, want, func(a, b float32) bool { return a == b || g.Size() > 2 && a-b < 1e-6 && b-a < 1e-6 }) {
			return fmt.Errorf("sums of %d numbers differ from those of MPI", length)
		}
		b, err := binary.Append(nil, binary.LittleEndian, v)
		if err != nil {
			return err
		}
		if err := ranks.Alike(g, "sums", b); err != nil {
			return err
		}
	}
	return g.Sum64([]float64{1})
}

// losses keeps those of a search.
type losses []train.Progress

func (l *losses) Step(p train.Progress)                  { *l = append(*l, p) }
func (*losses) Epoch(search.Epoch) error                 { return nil }
func (*losses) Save(search.Snapshot, *program.Net) error { return nil }

// follow searches on the CPU twice: its gradients and statistics are summed by NCCL, and by MPI.
func follow(g *nccl.Group, below ranks.Group) error {
	set, _, err := data.Synthetic(data.SyntheticConfig{Size: 8, Train: 24, Test: 1, Seed: 1})
	if err != nil {
		return err
	}
	var got, want losses
	results := map[*losses]*search.Result{}
	for _, x := range []struct {
		to    *losses
		group ranks.Group
	}{{&want, below}, {&got, g}} {
		c := search.Config{Net: supernet.Config{Channels: 4, Cells: 3, Classes: 10, Mask: space.DARTS.FullMask(), Partial: 1},
			Batch: 2, Epochs: 3, Warmup: 1, Rate: .05, Alpha: 6e-3, Seed: 3, Options: ort.Options{Threads: 1}, Ranks: x.group,
			Lowering: pass.Lowering{Target: pass.CPUKernels, Passes: pass.All}}
		if results[x.to], err = search.Run(context.Background(), c, set, nil, x.to); err != nil {
			return err
		}
	}
	a, b := results[&got], results[&want]
	if len(got) != 9 || !slices.Equal(got, want) || !a.Alphas.Equal(b.Alphas) || a.Genotype != b.Genotype {
		return fmt.Errorf("%d steps with NCCL are not the %d with MPI", len(got), len(want))
	}
	return nil
}

// start runs ranks of this test binary under the stand-in for CUDA.
func start(t *testing.T, n int, what string) (out string, counts []standin.Counts, err error) {
	t.Helper()
	launcher, failed := exec.LookPath("mpirun.openmpi")
	if failed != nil {
		t.Skip("skipped: no MPI here: mpirun.openmpi is missing")
	}
	if _, err := ort.LocateCUDA(); err != nil {
		t.Skipf("skipped: %v", err)
	}
	exe, failed := os.Executable()
	if failed != nil {
		t.Fatal(failed)
	}
	dir := standin.Build(t)
	file := filepath.Join(dir, "counts")
	cmd := exec.Command(launcher, "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n", fmt.Sprint(n), exe)
	cmd.Env = append(os.Environ(), asRank+"="+what, ort.CUDAPathVariable+"="+dir, standin.CountsVariable+"="+file, "TMPDIR="+dir)
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &b, &b, time.Second
	if err = cmd.Run(); err == nil {
		for rank := range n {
			counts = append(counts, standin.Read(t, fmt.Sprintf("%s.%d", file, rank)))
		}
	}
	return b.String(), counts, err
}

// Sums of vectors on GPUs are those of MPI, the same on all ranks, on the stream of the sessions.
func TestSums(t *testing.T) {
	for _, n := range []int{2, 4} {
		out, counts, err := start(t, n, "work")
		if err != nil || !strings.Contains(out, "NCCL 2.32.3") {
			t.Fatalf("%d ranks: %v\n%s", n, err, out)
		}
		const bytes = 4 * (1 + 1000 + 1<<20 + 3 + 7)
		for rank, c := range counts {
			if c.Strays != 0 || c.ToDevice < bytes || c.ToHost < bytes || c.OnDevice < 2*bytes {
				t.Errorf("rank %d of %d: %+v", rank, n, c)
			}
		}
	}
}

// A search of two ranks on the CPU, with sums by NCCL, has the bits of that with sums by MPI.
func TestSearchFollows(t *testing.T) {
	out, counts, err := start(t, 2, "search")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if counts[0].OnDevice == 0 || counts[0].Strays != 0 {
		t.Errorf("counts %+v", counts[0])
	}
}

// A rank without the library tells the others, and all go on with the group below.
func TestMissingOnOneRank(t *testing.T) {
	if out, _, err := start(t, 2, "missing"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
