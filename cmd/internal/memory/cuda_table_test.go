package memory

import (
	"bytes"
	"debug/elf"
	"slices"
	"strings"
	"testing"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/pass"
	"zos-ort/models/method"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/ort"
)

// Every program of every method and space, and of a retraining with all that it can have, is built of operators
// that CUDA has, in float32 and in bfloat16: emission checks the table, so an error names what it lacks.
func TestCUDATable(t *testing.T) {
	used := map[string]bool{}
	kind := func(domain, name string, d ir.DType) string { return domain + "." + name + " of " + d.String() }
	emitAs := func(what string, s graphgen.Spec) {
		for _, build := range []func() (*graphgen.Program, error){s.WeightStep, s.AlphaStep, s.Evaluate,
			s.Rank} {
			p, err := build()
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			for _, n := range p.Graph.Nodes {
				domain, name := n.Op.OpType()
				used[kind(domain, name, 0)], used[kind(domain, name, n.In[0].DType)] = true, true
			}
		}
	}
	emit := func(what string, s graphgen.Spec) {
		s.Target = pass.CUDA
		emitAs(what, s)
		s.Target = pass.CUDABFloat16
		emitAs(what+" in bfloat16", s)
	}
	c := small(4)
	for _, m := range method.All {
		e := c.With(m)
		mask := check.Must(e.LikelyMask())(t)
		emit(m.Name, check.Must(e.Spec(settings.StageSearch, mask))(t))
	}
	for _, name := range space.Shipped() {
		s := check.Must(space.Open(name))(t)
		e := c.In(space.RefTo(s)).With(method.All[0])
		e.Network = settings.Network{Channels: 4, Cells: 3, Partial: 1}
		emit(name, check.Must(e.Spec(settings.StageSearch, s.FullMask()))(t))
	}
	for _, name := range []string{"DARTS_V1", "DARTS_V2", "PC_DARTS_cifar"} {
		genotype, err := space.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		net := network.Config{Genotype: genotype, Channels: 4, Cells: 6, Classes: 10, Auxiliary: true,
			DropPath: true}
		emit(name, net.Spec(2, 32, pass.Lowering{Target: pass.CUDA, Passes: pass.All}))
	}
	for _, k := range pass.CUDAKernels {
		for _, d := range append(slices.Clone(k.Types), 0) { // 0: of any type
			if !used[kind(k.Domain, k.Name, d)] {
				t.Errorf("the table has %s of %v, which no program uses", k.Name, d)
			}
		}
	}
}

// The table says what the library holds: its symbols name every kernel that was compiled into it. No
// GPU is needed.
func TestCUDATableOfTheRuntime(t *testing.T) {
	path, err := ort.CUDAProvider()
	if err != nil {
		t.Skipf("skipped: %v", err)
	}
	kernels := cudaSymbols(t, path)
	registered := func(name string, types []ir.DType) bool {
		want := []string{name}
		if len(types) > 0 {
			want = nil
		}
		for _, d := range types {
			want = append(want, name+"_"+map[ir.DType]string{ir.Float: "float", ir.Int64: "int64_t",
				ir.Bool: "bool", ir.Int32: "int32_t", ir.Int8: "int8_t", ir.BFloat16: "BFloat16"}[d])
		}
		return !slices.ContainsFunc(want, func(w string) bool {
			return !slices.ContainsFunc(kernels, func(k string) bool {
				return k == w || strings.HasPrefix(k, w+"_")
			})
		})
	}
	for _, k := range pass.CUDAKernels {
		if !registered(k.Registered, k.Types) {
			t.Errorf("%s has no kernel %s of %v", path, k.Registered, k.Types)
		}
	}
	for _, name := range []string{"MaxPoolGrad_kOnnxDomain_ver1", "AveragePoolGrad_kOnnxDomain_ver1"} {
		if registered(name, nil) {
			t.Errorf("%s has %s: the lowering need not replace it", path, name)
		}
	}
}

// cudaSymbols are the names of the registered kernels of a provider library, sorted.
func cudaSymbols(t *testing.T, path string) (names []string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Section(".strtab").Data()
	if err != nil {
		t.Fatal(err)
	}
	const prefix = "kCudaExecutionProvider_"
	for s := range bytes.SplitSeq(symbols, []byte{0}) {
		_, s, ok := bytes.Cut(s, []byte(prefix))
		if !ok {
			continue
		}
		if name, _, ok := bytes.Cut(s, []byte("EEENS_16KernelCreateInfoEv")); ok {
			names = append(names, string(name))
		}
	}
	if len(names) < 1000 {
		t.Fatalf("%s names %d kernels only", path, len(names))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// In bfloat16 even the steps of a small supernet take a sixth less than in float32: what stays are
// the tensors that a node works on, which weigh less the more cells there are.
func TestBFloat16Memory(t *testing.T) {
	c := small(8)
	c.Network.Channels, c.Images.Size, c.Execution.Recompute, c.Device.GPU = 16, 32, "off", true
	for _, name := range []string{"darts", "pc-darts"} {
		m, err := method.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		c.Device.Precision = settings.FP32
		plain, err := Predict(c.With(m), 1)
		if err != nil {
			t.Fatal(err)
		}
		c.Device.Precision = settings.BF16
		narrow, err := Predict(c.With(m), 1)
		if err != nil {
			t.Fatal(err)
		}
		for what, bytes := range map[string][2]int{"weight step": {narrow.Weight, plain.Weight},
			"alpha step": {narrow.Alpha, plain.Alpha}} {
			if 6*bytes[0] > 5*bytes[1] {
				t.Errorf("%s, %s: %d bytes, in float32 %d", name, what, bytes[0], bytes[1])
			}
		}
	}
}
