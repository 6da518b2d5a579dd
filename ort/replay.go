package ort

// #include <stdlib.h>
// #include "cuda.h"
// #include "graph.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unsafe"

	onnx "github.com/yalue/onnxruntime_go"
)

// Replay is a program on a Resident that runs as a CUDA graph: the third run of a step is recorded, and
// replayed from then on. It owns its session and the Step bound to it; its Resident owns it.
//
// The session is one for inference, whose runs need not end by waiting for the device, which a recording
// forbids; a training session's do. ONNX Runtime's own graphs (enable_cuda_graph) would make the first step
// three times over (TestCUDAGraphs).
type Replay struct {
	resident *Resident
	session  *Inference // nil when closed
	options  *onnx.RunOptions
	settings *C.OrtRunOptions // of options
	notice   func(string)
	inputs   []Port // without the state
	outputs  []Port
	inHost   []bool // of the session's inputs: in host memory
	outHost  []bool
	steps    map[*Step]bool
}

// noWait is the setting of a run that does not wait for the device at its end, which only a recording needs: it leaves
// what ONNX Runtime keeps for the device to the next run that waits.
const noWait = "disable_synchronize_execution_providers"

// NewReplay makes a program from an ONNX model (see the package comment). It does not keep the bytes.
func NewReplay(r *Resident, model []byte, o Options) (*Replay, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.open {
		return nil, fmt.Errorf("create replay: state %w", ErrClosed)
	}
	if o.CUDA == nil {
		return nil, fmt.Errorf("create replay: %w: the options name no GPU", ErrCUDA)
	}
	p := &Replay{resident: r, notice: o.CUDA.Notice, steps: map[*Step]bool{}}
	// A session that is made while another one's run is recorded would be part of the recording.
	err := onGPU(func() (err error) {
		if p.session, err = NewInference(model, o); err != nil {
			return err
		}
		return p.prepare()
	})
	if err != nil {
		p.close()
		return nil, err
	}
	r.replays[p] = true
	return p, nil
}

// prepare tells the inputs and outputs from the state, and makes the options of the runs.
func (p *Replay) prepare() (err error) {
	for _, in := range p.session.inputs {
		if _, state := p.resident.shapes[in.Name]; !state && in.Name != lazyReset {
			p.inputs = append(p.inputs, in)
		}
	}
	p.outputs = p.session.outputs
	if p.inHost, err = p.session.onHost(false); err != nil {
		return err
	}
	if p.outHost, err = p.session.onHost(true); err != nil {
		return err
	}
	if p.options, err = onnx.NewRunOptions(); err != nil {
		return fmt.Errorf("create replay: %w", err)
	}
	if p.settings, err = runOptionsHandle(p.options); err != nil {
		return err
	}
	key, value := C.CString(noWait), C.CString("1")
	defer C.free(unsafe.Pointer(key))
	defer C.free(unsafe.Pointer(value))
	return check("create replay", C.zos_run_setting(p.settings, key, value))
}

// Inputs returns the inputs of the program other than parameters, in order.
func (p *Replay) Inputs() []Port { return slices.Clone(p.inputs) }

// Outputs returns the outputs of the program, in order.
func (p *Replay) Outputs() []Port { return slices.Clone(p.outputs) }

// Bind fixes the tensors that a step reads and writes: every input, and the wanted outputs. Their copies on
// the device have places of their own as long as the step is there. A Replay has one step at a time.
func (p *Replay) Bind(inputs, outputs map[string]*Tensor) (*Step, error) {
	p.resident.mu.Lock()
	defer p.resident.mu.Unlock()
	if p.session == nil {
		return nil, fmt.Errorf("bind: replay %w", ErrClosed)
	}
	if len(p.steps) > 0 {
		return nil, fmt.Errorf("bind: replay %w: it has a step", ErrInUse)
	}
	st, in, out, err := hold(p.inputs, p.outputs, inputs, outputs)
	if err != nil {
		return nil, err
	}
	c := &recording{program: p}
	st.owner, st.release = c, c.free
	if err := onGPU(func() error { return c.bind(st, in, out) }); err != nil {
		st.free()
		return nil, err
	}
	p.steps[st] = true
	return st, nil
}

// Close frees the session and closes its steps. The state stays.
func (p *Replay) Close() {
	if p == nil {
		return
	}
	p.resident.mu.Lock()
	defer p.resident.mu.Unlock()
	p.close()
}

// close is Close under the lock of the state.
func (p *Replay) close() {
	for _, st := range slices.Collect(maps.Keys(p.steps)) {
		st.free()
	}
	clear(p.steps)
	if p.options != nil {
		_ = p.options.Destroy()
		p.options = nil
	}
	_ = onGPU(func() error {
		p.session.Close()
		return nil
	})
	p.session = nil
	delete(p.resident.replays, p)
}

// recording is what a step keeps: the places of its tensors and, from the third run on, its graph.
type recording struct {
	program    *Replay
	in, out    *C.zos_mirror // nil until bind
	values     []*C.OrtValue // over the mirrors
	hidden     []*Tensor     // of ports that nobody gave a tensor for
	runs       int           // not as a graph, at most those that come before it
	places     *C.zos_places // of the memory that a run takes
	graph      *C.zos_graph
	generation C.uint64_t // of the block that the graph was recorded in
	failed     bool       // to be recorded
}

// recordings are those whose memory is known. Only the thread of the GPU reads and writes them.
var recordings = map[*recording]bool{}

// warmUps are the runs before the recording: in the first, algorithms are chosen and code is loaded; the second one's
// memory is measured.
const warmUps = 2

// bind places the tensors of a step on the device, and binds the copies. Some stay on the host: the flags of updated
// parameters, which their kernels set there, and inputs that nobody reads.
func (c *recording) bind(st *Step, inputs, outputs []*Tensor) (err error) {
	p := c.program
	all := p.session.inputs
	st.binding = C.zos_binding_new(C.size_t(len(all)), C.size_t(len(p.outputs)))
	given := map[string]*Tensor{}
	for i, port := range p.inputs {
		given[port.Name] = inputs[i]
	}
	in := make([]*Tensor, len(all))
	for i, port := range all {
		in[i] = given[port.Name]
	}
	if c.in, err = c.bindPorts(st, st.input, all, in, p.inHost); err == nil {
		c.out, err = c.bindPorts(st, st.output, p.outputs, outputs, p.outHost)
	}
	return err
}

// bindPorts binds ports to parameters, to tensors on the host, or to copies of tensors on the device, which it returns.
// A port without a tensor gets one.
func (c *recording) bindPorts(st *Step, bind func(int, string, *C.OrtValue), ports []Port, tensors []*Tensor, host []bool) (
	*C.zos_mirror, error) {
	m := C.zos_mirror_new(C.size_t(len(ports)))
	place := make([]C.size_t, len(ports))
	var copied C.size_t
	for i, port := range ports {
		v, state := c.program.resident.values[port.Name]
		if state && !host[i] {
			bind(i, port.Name, v.value)
			continue
		}
		if tensors[i] == nil {
			t, err := NewTensor(port.DType, port.Shape...)
			if err != nil {
				return m, fmt.Errorf("bind: %s: %w", port.Name, err)
			}
			st.keep(t)
			c.hidden, tensors[i] = append(c.hidden, t), t
		}
		if host[i] {
			bind(i, port.Name, tensors[i].value)
			continue
		}
		C.zos_mirror_put(m, tensors[i].data, tensors[i].bytes())
		place[i] = copied
		copied++
	}
	if err := cudaError("bind", C.zos_mirror_make(m)); err != nil {
		return m, err
	}
	for i, port := range ports {
		if _, state := c.program.resident.values[port.Name]; state || host[i] {
			continue
		}
		var value *C.OrtValue
		dims, rank := cDims(tensors[i].shape)
		if err := check("bind", C.zos_value_create(C.zos_pool_info(), C.zos_mirror_at(m, place[i]), tensors[i].bytes(), dims,
			rank, C.int(tensors[i].dtype), &value)); err != nil {
			return m, err
		}
		c.values = append(c.values, value)
		bind(i, port.Name, value)
	}
	return m, nil
}

// enter, leave, exclude and run make a recording an owner of its step. A step writes the state, so all
// steps of one state exclude each other.
func (c *recording) enter() error {
	c.program.resident.mu.Lock()
	if c.program.session == nil {
		c.program.resident.mu.Unlock()
		return fmt.Errorf("step: replay %w", ErrClosed)
	}
	return nil
}

func (c *recording) leave() { c.program.resident.mu.Unlock() }

func (c *recording) exclude(st *Step) {
	c.program.resident.mu.Lock()
	defer c.program.resident.mu.Unlock()
	st.free()
	delete(c.program.steps, st)
}

// run ignores cancellation, as a Trainer does: half a step would leave half a state.
func (c *recording) run(_ context.Context, b *C.zos_binding) error {
	return onGPU(func() error {
		if err := cudaError("copy the inputs", C.zos_mirror_send(c.in)); err != nil {
			return err
		}
		if err := c.compute(b); err != nil {
			return err
		}
		return cudaError("step", C.zos_mirror_fetch(c.out))
	})
}

// compute starts a run, as a graph if it can.
func (c *recording) compute(b *C.zos_binding) error {
	if c.failed {
		return c.start(b)
	}
	if c.runs < warmUps {
		return c.prepare(b)
	}
	if c.graph == nil || c.generation != C.zos_block_generation() {
		if err := c.record(b); err != nil {
			c.fail(err)
			return c.start(b)
		}
	}
	return cudaError("start a graph", C.zos_graph_launch(c.graph))
}

// start starts the nodes of the program one by one, and waits.
func (c *recording) start(b *C.zos_binding) error {
	return check("step", C.zos_run(c.program.session.handle, nil, b, false))
}

// prepare makes a run that comes before the recording. It takes its memory from the pool; the block of the
// graphs gives way to it, and graphs are recorded again, so that no more memory is taken than without them.
func (c *recording) prepare(b *C.zos_binding) error {
	C.zos_block_release()
	if c.runs == 0 {
		err := c.start(b)
		if err == nil {
			c.runs++
		}
		return err
	}
	places, err := measure(func() error { return c.start(b) })
	if places != nil {
		c.places = places
		c.runs++
		recordings[c] = true
	}
	return err
}

// measure finds places for all that a run takes from the pool; nil if it fails, or there is no memory to write it down.
func measure(run func() error) (*C.zos_places, error) {
	C.zos_measure_begin()
	err := run()
	places := C.zos_measure_end()
	if err != nil {
		C.zos_places_free(places)
		return nil, err
	}
	return places, nil
}

// extent is the size in bytes of a block with these places.
func extent(places *C.zos_places) int { return int(C.zos_places_bytes(places)) }

// record makes the graph of a run, in a block that is large enough for all graphs. The copies of a graph read tables
// in page-locked memory, which ONNX Runtime keeps until the session's next run that waits, or its end: the graph of a
// session has no such run beside it.
func (c *recording) record(b *C.zos_binding) error {
	c.drop()
	most := 0
	for other := range recordings {
		most = max(most, extent(other.places))
	}
	if err := cudaError("its memory", C.zos_block_reserve(C.size_t(most))); err != nil {
		return err
	}
	if err := cudaError("begin", C.zos_record_begin(c.places)); err != nil {
		return err
	}
	failed := check("step", C.zos_run(c.program.session.handle, c.program.settings, b, false))
	err := cudaError("end", C.zos_record_end(failed == nil, &c.graph))
	c.generation = C.zos_block_generation()
	return errors.Join(failed, err)
}

// fail goes on without a graph, and says so in one line.
func (c *recording) fail(err error) {
	c.failed = true
	delete(recordings, c)
	if c.program.notice != nil {
		why, _, _ := strings.Cut(err.Error(), "\n")
		c.program.notice(fmt.Sprintf("CUDA graphs: %s runs without one: %s", c.program.session.metadata.Graph, why))
	}
}

func (c *recording) drop() {
	C.zos_graph_free(c.graph)
	c.graph = nil
}

// free gives back what the step kept; the block too, if no other step needs it.
func (c *recording) free() {
	_ = onGPU(func() error {
		c.drop()
		for _, v := range c.values {
			C.zos_value_release(v)
		}
		C.zos_places_free(c.places)
		C.zos_mirror_free(c.in)
		C.zos_mirror_free(c.out)
		if delete(recordings, c); len(recordings) == 0 {
			C.zos_block_release()
		}
		return nil
	})
	for _, t := range c.hidden {
		t.Close()
	}
}
