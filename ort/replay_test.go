package ort

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"zos-ort/ort/standin"
)

// replayed is the program of a fit on a Resident, under the stand-in for CUDA, in which everything but
// copies does nothing.
type replayed struct {
	fit
	resident *Resident
	program  *Replay
	notices  []string
	counts   string
}

// newReplayed opens the stand-in, with a limit of its pool. It returns nil where another process does the test.
func newReplayed(t *testing.T, limit int64) *replayed {
	t.Helper()
	counts, here := counted(t)
	if !here {
		return nil
	}
	ok(t, OpenCUDA(FindDevices([]string{standin.Build(t)}), CUDA{Limit: limit}))
	f := &replayed{counts: counts, resident: must(NewResident(fitParams()))(t)}
	o := Options{CUDA: &CUDA{Graphs: true, Notice: func(s string) { f.notices = append(f.notices, s) }}}
	f.program = must(NewReplay(f.resident, fitModel(), o))(t)
	f.tensors(t)
	f.step = must(f.program.Bind(f.inputs, f.outputs))(t)
	return f
}

func (f *replayed) close(t *testing.T) {
	t.Helper()
	f.resident.Close()
	for _, x := range []*Tensor{f.x, f.y, f.rate, f.loss} {
		x.Close()
	}
	if s := must(Pool())(t); s.InUse != 0 {
		t.Errorf("%d bytes of the pool are in use in the end", s.InUse)
	}
	ok(t, Close())
}

// run makes a step and returns what it asked CUDA for.
func (f *replayed) run(t *testing.T) standin.Counts {
	t.Helper()
	standin.Reset(t, f.counts)
	ok(t, f.step.Run())
	return standin.Read(t, f.counts)
}

// The third run of a step is recorded. From then on it is a copy of the inputs, a graph and a copy of the
// outputs.
func TestGraphs(t *testing.T) {
	f := newReplayed(t, 0)
	if f == nil {
		return
	}
	defer f.close(t)
	for i := range 6 {
		c := f.run(t)
		t.Logf("run %d: %+v", i+1, c)
		first, third := i < 2, i == 2
		// The flags of the updated parameters stay on the host, whose kernels write them: only the loss comes back.
		if c.ToHost != 256 || (!first && c.Waits != 1) || c.Strays != 0 || (c.Kernels > 0) != first || (c.Graphs == 1) == first ||
			(c.Recorded > 0) != third || (i > 2 && c.Copies != 2) {
			t.Errorf("run %d asked for %+v", i+1, c)
		}
	}
	if len(f.notices) > 0 {
		t.Error(f.notices)
	}
}

// The block of a run is as large as what the run has in use at a time, and little larger.
func TestPlaces(t *testing.T) {
	if !fresh(t) { // the stand-in stays loaded
		return
	}
	handle := must(loadCUDA(filepath.Join(standin.Build(t), "libcudart.so.13")))(t)
	ok(t, openPool(handle, CUDA{}))
	runtime.LockOSThread() // which the measurement is about
	defer runtime.UnlockOSThread()
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		live, most := 0, 0
		places := must(measure(func() error {
			var list []unsafe.Pointer
			var sizes []int
			for range 2000 {
				if i := rng.IntN(40); i < len(list) {
					poolFree(list[i])
					live -= sizes[i]
					list, sizes = slices.Delete(list, i, i+1), slices.Delete(sizes, i, i+1)
					continue
				}
				size := 256 << rng.IntN(8)
				list, sizes = append(list, poolAlloc(size-rng.IntN(256))), append(sizes, size)
				live += size
				most = max(most, live)
			}
			for _, p := range list {
				poolFree(p)
			}
			return nil
		}))(t)
		if got := extent(places); got < most || float64(got) > 1.15*float64(most) {
			t.Errorf("seed %d: a block of %d bytes for %d at a time", seed, got, most)
		}
	}
}

// A graph whose memory the pool refuses is not recorded, which one line says. The runs go on.
func TestGraphWithoutMemory(t *testing.T) {
	f := newReplayed(t, 1500)
	if f == nil {
		return
	}
	defer f.close(t)
	for i := range 5 {
		if c := f.run(t); c.Graphs != 0 || c.Kernels == 0 {
			t.Errorf("run %d asked for %+v", i+1, c)
		}
	}
	if want := []string{"CUDA graphs: g runs without one: its memory: out of GPU memory"}; !slices.Equal(f.notices, want) {
		t.Errorf("notices %q, want %q", f.notices, want)
	}
}

// A Resident is a state like any other: it is copied whole, and refuses what is not there or closed.
func TestResident(t *testing.T) {
	f := newReplayed(t, 0)
	if f == nil {
		return
	}
	want, got := []float32{3, 4}, make([]float32, 2)
	ok(t, f.resident.Set("w", want))
	if ok(t, f.resident.Get("w", got)); !slices.Equal(got, want) {
		t.Errorf("the state is %v, not %v", got, want)
	}
	var b bytes.Buffer
	must(f.resident.WriteTo(&b))(t)
	if read := must(ReadCheckpoint(&b))(t); len(read) != 2 || !slices.Equal(read[1].Data, want) {
		t.Errorf("the checkpoint has %+v", read)
	}
	wantErr(t, f.resident.Get("v", got), ErrName, "v is no parameter")
	wantErr(t, f.resident.Set("w", got[:1]), ErrShape, "2 elements, the slice 1")
	_, err := f.program.Bind(f.inputs, f.outputs)
	wantErr(t, err, ErrInUse, "it has a step")
	f.step.Close()
	f.step = must(f.program.Bind(f.inputs, f.outputs))(t)
	f.run(t)
	_, err = NewReplay(f.resident, fitModel(), Options{})
	wantErr(t, err, ErrCUDA)
	_, err = NewResident([]Param{{Name: "w", Shape: []int{3}, Data: got}})
	wantErr(t, err, ErrShape)
	f.program.Close()
	wantErr(t, f.step.Run(), ErrClosed)
	f.close(t)
	wantErr(t, f.resident.Get("w", got), ErrClosed)
	_, err = NewReplay(f.resident, fitModel(), Options{CUDA: &CUDA{}})
	wantErr(t, err, ErrClosed)
}
