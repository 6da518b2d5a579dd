package ort

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	onnx "github.com/yalue/onnxruntime_go"

	"zos-ort/ort/standin"
)

// wantError checks that an error mentions the words.
func wantError(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("error %v does not mention %q", err, words)
	}
}

func TestFindCUDA(t *testing.T) {
	dir := t.TempDir()
	wheel := filepath.Join(dir, "lib", "python3.13", "site-packages", "nvidia", "cu13", "lib")
	for path, content := range map[string]string{filepath.Join(dir, "bin", "python3"): "",
		filepath.Join(wheel, "libcudart.so.13"): "", filepath.Join(dir, "own", "libcudnn.so.9"): ""} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", filepath.Join(dir, "bin"))
	t.Setenv("LD_LIBRARY_PATH", filepath.Join(dir, "own"))
	if folders := CUDAFolders(); folders[0] != filepath.Join(dir, "own") ||
		!slices.Contains(folders, wheel) {
		t.Errorf("CUDA is looked for in %v", folders)
	}
	t.Setenv(CUDAPathVariable, wheel+":"+filepath.Join(dir, "own"))
	found := map[string]string{}
	for _, l := range FindCUDA(CUDAFolders()) {
		found[l.Name] = l.Path
	}
	if found["libcudart.so.13"] != filepath.Join(wheel, "libcudart.so.13") ||
		found["libcudnn.so.9"] != filepath.Join(dir, "own", "libcudnn.so.9") ||
		found["libcublas.so.13"] != "" || found[cudaDriver] != "" || len(found) != 5 {
		t.Errorf("found %v", found)
	}
}

// The error names what to fix first.
func TestFindDevices(t *testing.T) {
	dir := standin.Build(t)
	cache := t.TempDir()
	t.Setenv("ZOS_CACHE", cache)
	t.Setenv(PathVariable, "")
	wantError(t, FindDevices([]string{dir}).Err, "make setup-cuda")
	build := filepath.Join(cache, "onnxruntime", Version, CUDAPlatform)
	if err := os.MkdirAll(build, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{LibraryName(), "libonnxruntime_providers_cuda.so"} {
		if err := os.WriteFile(filepath.Join(build, f), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := FindDevices([]string{dir})
	want := CUDADevice{"stand-in for a GPU", 8e9, "GPU-00112233-4455-6677-8899-aabbccddeeff"}
	if s.Err != nil || len(s.Devices) != 1 || s.Devices[0] != want {
		t.Errorf("found %v, error %v", s.Devices, s.Err)
	}
	wantError(t, OpenCUDA(s, CUDA{Device: 1}), "there is no GPU 1, the driver knows 1")
	if err := os.Remove(filepath.Join(dir, "libcudnn.so.9")); err != nil {
		t.Fatal(err)
	}
	wantError(t, FindDevices([]string{dir}).Err, "libcudnn.so.9 is missing: pip install")
	wantError(t, FindDevices(nil).Err, "libcuda.so.1 is missing: the NVIDIA driver")
	if err := os.WriteFile(filepath.Join(dir, "libcudnn.so.9"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	wantError(t, OpenCUDA(FindDevices([]string{dir}), CUDA{}), "libcudnn.so.9")
}

// The pool counts handed-out memory, remembers the peak and keeps to its limit.
func TestPool(t *testing.T) {
	t.Setenv(standin.BytesVariable, "2000")
	if !fresh(t) { // the stand-in stays loaded
		return
	}
	handle, err := loadCUDA(filepath.Join(standin.Build(t), "libcudart.so.13"))
	if err != nil {
		t.Fatal(err)
	}
	if err := openPool(handle, CUDA{Limit: 1000}); err != nil {
		t.Fatal(err)
	}
	a, b := poolAlloc(600), poolAlloc(300)
	if a == nil || b == nil || poolAlloc(200) != nil {
		t.Error("the pool does not hand out 600 and 300 of 1000 bytes, or 200 more")
	}
	poolFree(a)
	s, err := Pool()
	want := PoolStats{InUse: 300, Peak: 900, Reserved: 900, Held: 300, Refused: 200, Available: 1700}
	if err != nil || s != want {
		t.Errorf("the pool counts %+v, %v, want %+v", s, err, want)
	}
	if err := ResetPool(); err != nil {
		t.Fatal(err)
	}
	poolFree(b)
	if s, _ = Pool(); s.Peak != 300 || s.InUse != 0 {
		t.Errorf("after a reset the pool counts %+v", s)
	}
	if search := (CUDA{}).settings()["cudnn_conv_algo_search"]; search != "EXHAUSTIVE" {
		t.Errorf("algorithms are searched for by %q", search)
	}
	settings := CUDA{Device: 2, TF32: true, Search: Heuristic}.settings()
	if settings["device_id"] != "2" || settings["use_tf32"] != "1" ||
		settings["cudnn_conv_algo_search"] != "HEURISTIC" {
		t.Errorf("provider options are %v", settings)
	}
}

// counted names the file in which the stand-in counts, and says whether this process does the test.
func counted(t *testing.T) (counts string, here bool) {
	t.Helper()
	if _, err := LocateCUDA(); err != nil {
		t.Skipf("skipped: %v", err)
	}
	counts = filepath.Join(t.TempDir(), "counts")
	if inherited := os.Getenv(standin.CountsVariable); inherited != "" {
		counts = inherited
	}
	t.Setenv(standin.CountsVariable, counts)
	return counts, fresh(t)
}

// ONNX Runtime cannot make CUDA graphs of our steps: the first call runs a program repeatedly until
// the graph is captured, updating the state every time.
func TestCUDAGraphs(t *testing.T) {
	counts, here := counted(t)
	if !here {
		return
	}
	ok(t, OpenCUDA(FindDevices([]string{standin.Build(t)}), CUDA{}))
	step := func(graphs string) (kernels uint64, err error) {
		f := newFit(t, Options{Providers: func(so *onnx.SessionOptions) error {
			o := must(onnx.NewCUDAProviderOptions())(t)
			defer o.Destroy()
			settings := CUDA{}.settings()
			settings["enable_cuda_graph"] = graphs
			ok(t, o.Update(settings))
			return so.AppendExecutionProviderCUDA(o)
		}, ConfigEntries: map[string]string{noFallback: "1", envAllocators: "1"}})
		defer f.close()
		standin.Reset(t, counts)
		err = f.step.Run()
		return standin.Read(t, counts).Kernels, err
	}
	once, err := step("0")
	if err != nil || once == 0 {
		t.Fatalf("%d kernels, %v", once, err)
	}
	if often, err := step("1"); often < 2*once {
		t.Errorf("with graphs the first step launches %d kernels instead of %d, error %v", often, once, err)
	}
}

// All sessions allocate from the pool: training sessions, which outlive one another on one state,
// and inference sessions. Memory that they free is free.
func TestPoolServesSessions(t *testing.T) {
	if _, err := LocateCUDA(); err != nil {
		t.Skipf("skipped: %v", err)
	}
	if !fresh(t) {
		return
	}
	ok(t, OpenCUDA(FindDevices([]string{standin.Build(t)}), CUDA{}))
	defer func() { ok(t, Close()) }()
	inUse := func() int64 { return must(Pool())(t).InUse }
	o := Options{CUDA: &CUDA{}}
	f := newFit(t, o)
	defer f.close()
	state := inUse()
	if state < 2*2*4 {
		t.Errorf("%d bytes are in the pool, the state needs 16", state)
	}
	ok(t, f.step.Run())
	second := must(NewTrainer(f.state, fitModel(), o))(t)
	if more := inUse() - state; more > state/2 {
		t.Errorf("a second session on the state takes %d bytes beside %d", more, state)
	}
	f.trainer.Close()
	second.Close()
	if left := inUse(); left < 16 || left > state {
		t.Errorf("without sessions %d bytes are in use, with one there were %d", left, state)
	}
	session := must(NewInference(fitModel(), o))(t)
	before := must(Pool())(t).Peak
	if session.Close(); before < state {
		t.Errorf("the peak is %d", before)
	}
}
