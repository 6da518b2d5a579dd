package ort

import (
	"context"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// The pool alone, in a process of its own: threads that take and give back at random never share memory, and all of it is
// joined and given back at the end; a limit on addresses leaves no memory and no crash; neighbours in the address
// space do not hinder it; pages of holes go back before more are touched than were in use.
func TestHostPoolAlone(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	program := filepath.Join(t.TempDir(), "hostpool")
	out, err := exec.Command("cc", "-O2", "-g", "-Wall", "-Werror", "-o", program, "hostpool.c", "testdata/hostpool_main.c", "-lpthread").
		CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, args := range [][]string{{"random", "1"}, {"random", "4"}, {"hungry"}, {"apart"}, {"steps"}} {
		if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

// Sessions with Options.HostPool take their memory from the pool, which has the place of an arena and ends with nothing.
func TestHostPool(t *testing.T) {
	start(t)
	in := scaleInputs(t)
	for range 2 {
		release := must(NewPool())(t)
		_, err := NewArena()
		wantErr(t, err, ErrInUse)
		n := must(NewInference(scaleModel(), Options{Threads: 1, HostPool: true}))(t)
		before := HostPool()
		out := must(n.Run(context.Background(), in))(t)
		during := HostPool()
		const y = 4 << 16 // the bytes of y; s is one number, in 256 bytes
		if got := during.InUse - before.InUse; got != y+256 || during.Peak < during.InUse || during.Resident < during.InUse ||
			during.Held < during.Resident {
			t.Errorf("%+v before the run, %+v with its results", before, during)
		}
		out["y"].Close()
		out["s"].Close()
		if after := HostPool(); after.InUse != before.InUse || after.Held < y {
			t.Errorf("%+v before the run, %+v after it", before, after)
		}
		n.Close()
		if left := HostPool(); left != (HostStats{}) {
			t.Errorf("%+v without a session", left)
		}
		release()
		release()
	}
}

// A step for which there is no memory fails, and the next one runs.
func TestHostPoolTooSmall(t *testing.T) {
	start(t)
	release := must(NewPool())(t)
	defer release()
	n := must(NewInference(new(model).in("x", Float).in("shape", Int64, 1).one("Expand", "y", "x", "shape").
		out("y", Float, "n").bytes(), Options{Threads: 1, HostPool: true}))(t)
	defer n.Close()
	x := must(Of([]float32{3}))(t)
	defer x.Close()
	for _, length := range []int64{1 << 50, 5} {
		shape := must(Of([]int64{length}, 1))(t)
		out, err := n.Run(context.Background(), map[string]*Tensor{"x": x, "shape": shape})
		shape.Close()
		if length > 5 {
			ortErr(t, err, "bad_alloc")
			continue
		}
		if err != nil || len(out["y"].Float32()) != 5 {
			t.Fatal(err, out)
		}
		out["y"].Close()
	}
}
