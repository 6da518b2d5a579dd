package meter

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"zos-ort/graphgen"
	"zos-ort/graphgen/ir"
	"zos-ort/ort"
	"zos-ort/ort/kernels"
)

// Measurement is what the runtime's arena counted during one run of a program.
type Measurement struct {
	Before  int64 // bytes in use before the run: constants copied by the session
	Peak    int64 // most bytes in use, without Before
	Seconds float64
}

// Measure runs a program once in a session whose arena counts requested memory, because a training
// session keeps no statistics. Inputs lie outside the arena; outputs are allocated in it.
func Measure(ctx context.Context, p *graphgen.Program, o ort.Options) (m Measurement, err error) {
	if o.CUDA != nil {
		err = ort.ResetPool()
	} else {
		var release func()
		if release, err = ort.NewArena(); err == nil {
			defer release()
			o.CPUArena, o.TightArena, o.HostPool = true, true, false
		}
	}
	if err != nil {
		return m, err
	}
	t, err := NewTrial(p, o)
	if err != nil {
		return m, err
	}
	defer t.Close()
	before, err := arena(t.session, o)
	if err != nil {
		return m, err
	}
	outputs, seconds, err := t.Run(ctx)
	CloseTensors(outputs)
	if err != nil {
		return m, err
	}
	after, err := arena(t.session, o)
	m = Measurement{before.InUse, after.MaxInUse - before.InUse, seconds}
	if o.CUDA != nil {
		m.Peak -= portBytes(p) // the pool holds a GPU's copies of the inputs
	}
	return m, err
}

// Bench measures programs on a device.
type Bench struct {
	Options ort.Options
	GPU     *Meter // nil on the CPU
}

// Of measures a program; on a GPU it adds the peaks of the pool and of the device. It trims the
// pool first, so that the peaks belong to this program alone.
func (m Bench) Of(ctx context.Context, p *graphgen.Program) (Measurement, *Peaks, error) {
	if m.GPU == nil {
		r, err := Measure(ctx, p, m.Options)
		return r, nil, err
	}
	if err := ort.TrimPool(); err != nil {
		return Measurement{}, nil, err
	}
	m.GPU.Take()
	r, err := Measure(ctx, p, m.Options)
	peaks := m.GPU.Take()
	return r, &peaks, err
}

// Counts says what the bench measures.
func (m Bench) Counts() string {
	if m.GPU == nil {
		return "ONNX Runtime's arena"
	}
	return "the GPU's memory pool without copies of the inputs; the pool with them and the device"
}

// GPUHeader names the columns of Peaks.Columns; none on the CPU.
func (m Bench) GPUHeader() []string {
	if m.GPU == nil {
		return nil
	}
	return []string{"pool", "reserved", "device (NVML)", "this process"}
}

// Columns prints the peaks in MB for a table, or nothing for nil.
func (g *Peaks) Columns() (cells []string) {
	if g == nil {
		return nil
	}
	for _, f := range Figures {
		text := "-"
		if v := *f.of(g); v > 0 {
			text = fmt.Sprintf("%.1f", float64(v)/1e6)
		}
		cells = append(cells, text)
	}
	return cells
}

// Trial is a program with random inputs, in an inference session that knows our kernels.
type Trial struct {
	Program *graphgen.Program
	domain  *ort.Domain
	session *ort.Inference
	Inputs  map[string]*ort.Tensor
}

// NewTrial opens a session for p with random inputs; close it.
func NewTrial(p *graphgen.Program, o ort.Options) (t *Trial, err error) {
	t = &Trial{Program: p}
	if t.domain, err = kernels.DomainFor(o); err != nil {
		return nil, err
	}
	if t.domain != nil {
		o.Domains = append(o.Domains, t.domain)
	}
	if t.session, err = ort.NewInference(p.Model, o); err == nil {
		t.Inputs, err = randomInputs(p)
	}
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("measure %s: %w", p.Name, err)
	}
	return t, nil
}

// Run executes the program once. It overwrites the state among the inputs; the caller closes the
// outputs.
func (t *Trial) Run(ctx context.Context) (outputs map[string]*ort.Tensor, seconds float64, err error) {
	start := time.Now()
	if outputs, err = t.session.Run(ctx, t.Inputs); err != nil {
		err = fmt.Errorf("measure %s: %w", t.Program.Name, err)
	}
	return outputs, time.Since(start).Seconds(), err
}

// Close releases the session and its inputs.
func (t *Trial) Close() {
	CloseTensors(t.Inputs)
	if t.session != nil {
		t.session.Close()
	}
	t.domain.Close()
}

// arena reads the memory counters of a session: those of its arena on the CPU, those of the pool on
// a GPU.
func arena(session *ort.Inference, o ort.Options) (ort.AllocatorStats, error) {
	if o.CUDA == nil {
		return session.Stats("Cpu")
	}
	s, err := ort.Pool()
	return ort.AllocatorStats{InUse: s.InUse, MaxInUse: s.Peak, TotalAllocated: s.Reserved}, err
}

// portBytes is the size of the inputs of a program, including state.
func portBytes(p *graphgen.Program) (bytes int64) {
	for _, port := range p.Signature.Inputs {
		bytes += int64(port.Type.Bytes())
	}
	return bytes
}

// randomInputs makes tensors for all ports. Their values do not matter for memory; small positive
// numbers keep the arithmetic away from infinity.
func randomInputs(p *graphgen.Program) (map[string]*ort.Tensor, error) {
	rng, inputs := rand.New(rand.NewPCG(1, 1)), map[string]*ort.Tensor{}
	for _, port := range p.Signature.Inputs {
		t, err := ort.NewTensor(ort.DType(port.Type.DType), port.Type.Shape...)
		if err != nil {
			CloseTensors(inputs)
			return nil, fmt.Errorf("input %s: %w", port.Name, err)
		}
		inputs[port.Name] = t
		if port.Type.DType == ir.Float {
			for i, v := 0, t.Float32(); i < len(v); i++ {
				v[i] = rng.Float32() * .1
			}
		}
	}
	return inputs, nil
}

// CloseTensors releases all tensors.
func CloseTensors(m map[string]*ort.Tensor) {
	for _, t := range m {
		t.Close()
	}
}
