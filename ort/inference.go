package ort

// #include "api.h"
// #include "hostpool.h"
import "C"

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unsafe"

	onnx "github.com/yalue/onnxruntime_go"
)

// Inference is a session that runs a model. It owns the session, which onnxruntime_go made, and the
// Steps bound to it. Several steps of an Inference can run at the same time.
type Inference struct {
	mu       sync.RWMutex                 // shared by runs; exclusive for the rest
	session  *onnx.DynamicAdvancedSession // nil when closed
	handle   *C.OrtSession                // of session
	inputs   []Port
	outputs  []Port
	metadata Metadata
	steps    map[*Step]bool
	domains  func()
	cuda     bool
}

// Metadata is the information that a model file gives about itself.
type Metadata struct {
	Producer, Graph, Domain, Description string
	Version                              int64
	Custom                               map[string]string // metadata_props
}

// NewInference makes a session of an ONNX model. It does not keep the bytes.
func NewInference(model []byte, o Options) (*Inference, error) {
	if len(model) == 0 {
		return nil, fmt.Errorf("create session: %w: it is empty", ErrModel)
	}
	if err := process.acquire("session"); err != nil {
		return nil, err
	}
	release, err := retainAll(o.Domains)
	if err != nil {
		process.release("session")
		return nil, err
	}
	n := &Inference{steps: map[*Step]bool{}, domains: release, cuda: o.CUDA != nil}
	if err := n.create(model, o); err != nil {
		n.Close()
		return nil, o.dump(model, err)
	}
	return n, nil
}

func (n *Inference) create(model []byte, o Options) error {
	options, _, err := o.build()
	if err != nil {
		return err
	}
	defer options.Destroy()
	err = introduced(o.Domains, func() error {
		n.session, err = onnx.NewDynamicAdvancedSessionWithONNXData(model, nil, nil, options)
		return err
	})
	if err != nil {
		// onnxruntime_go prepends its own words to ONNX Runtime's.
		message := strings.TrimPrefix(err.Error(), "Error creating C session: ")
		return &Error{Code: CodeUnknown, Op: "create session", Message: message}
	}
	if n.handle, err = sessionHandle(n.session); err != nil {
		return err
	}
	if n.inputs, n.outputs, err = ports(model); err != nil {
		return err
	}
	n.metadata, err = readMetadata(n.session)
	return err
}

func readMetadata(s *onnx.DynamicAdvancedSession) (Metadata, error) {
	var m Metadata
	meta, err := s.GetModelMetadata()
	if err != nil {
		return m, fmt.Errorf("metadata: %w", err)
	}
	defer meta.Destroy()
	text := func(to *string, get func() (string, error)) {
		if err == nil {
			*to, err = get()
		}
	}
	text(&m.Producer, meta.GetProducerName)
	text(&m.Graph, meta.GetGraphName)
	text(&m.Domain, meta.GetDomain)
	text(&m.Description, meta.GetDescription)
	if err == nil {
		m.Version, err = meta.GetVersion()
	}
	var keys []string
	if err == nil {
		keys, err = meta.GetCustomMetadataMapKeys()
	}
	m.Custom = map[string]string{}
	for _, key := range keys {
		if err == nil {
			m.Custom[key], _, err = meta.LookupCustomMetadataMap(key)
		}
	}
	if err != nil {
		return m, fmt.Errorf("metadata: %w", err)
	}
	return m, nil
}

// Inputs returns the inputs of the model, in order.
func (n *Inference) Inputs() []Port { return slices.Clone(n.inputs) }

// Outputs returns the outputs of the model, in order.
func (n *Inference) Outputs() []Port { return slices.Clone(n.outputs) }

// onHost tells of every input or output whether it belongs into host memory: on a GPU those that kernels read or write
// there, and inputs that nothing reads.
func (n *Inference) onHost(outputs bool) ([]bool, error) {
	count := len(n.inputs)
	if outputs {
		count = len(n.outputs)
	}
	host := make([]bool, count+1) // one at least, for its address
	err := check("places of inputs and outputs",
		C.zos_on_host(n.handle, C.bool(outputs), C.size_t(count), (*C.bool)(unsafe.Pointer(&host[0]))))
	return host[:count], err
}

// Metadata returns the information that the model gives about itself.
func (n *Inference) Metadata() Metadata {
	m := n.metadata
	m.Custom = maps.Clone(m.Custom)
	return m
}

// Bind fixes the tensors that repeated runs read and write. Unbound outputs are not computed,
// unless no output is bound.
func (n *Inference) Bind(inputs, outputs map[string]*Tensor) (*Step, error) {
	st, err := bind(n.inputs, n.outputs, inputs, outputs, false)
	if err != nil {
		return nil, err
	}
	st.owner = n
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.session == nil {
		st.free()
		return nil, errInferenceClosed
	}
	n.steps[st] = true
	return st, nil
}

// Run runs the model once and returns all outputs, whatever their shapes; the caller closes them.
// When the context ends, Run stops and returns the context's error.
func (n *Inference) Run(ctx context.Context, inputs map[string]*Tensor) (map[string]*Tensor,
	error) {
	st, err := bind(n.inputs, n.outputs, inputs, nil, false)
	if err != nil {
		return nil, err
	}
	defer st.free()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := n.enter(); err != nil {
		return nil, err
	}
	defer n.leave()
	if err := n.execute(ctx, st.binding, true); err != nil {
		return nil, err
	}
	results := map[string]*Tensor{}
	for i, p := range n.outputs {
		results[p.Name], err = fromValue(C.zos_binding_take(st.binding, C.size_t(i)))
		if err != nil {
			delete(results, p.Name)
			for _, t := range results {
				t.Close()
			}
			return nil, fmt.Errorf("output %s: %w", p.Name, err)
		}
	}
	return results, nil
}

// execute runs the session. A context that can end stops the session through run options.
func (n *Inference) execute(ctx context.Context, b *C.zos_binding, keep bool) error {
	if ctx.Done() == nil {
		return n.start(nil, b, keep)
	}
	options, err := onnx.NewRunOptions()
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	defer options.Destroy()
	handle, err := runOptionsHandle(options)
	if err != nil {
		return err
	}
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		options.Terminate()
		close(told)
	})
	err = n.start(handle, b, keep)
	if !stop() {
		<-told // the options are in use until then
	}
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("run: %w", context.Cause(ctx))
	}
	return err
}

func (n *Inference) start(options *C.OrtRunOptions, b *C.zos_binding, keep bool) error {
	if n.cuda {
		return onGPU(func() error { return check("run", C.zos_run(n.handle, options, b, C.bool(keep))) })
	}
	return check("run", C.zos_run(n.handle, options, b, C.bool(keep)))
}

// Close frees the session and closes its steps, once the runs in progress have ended.
func (n *Inference) Close() {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.domains == nil {
		return
	}
	for st := range n.steps {
		st.free()
	}
	if n.session != nil {
		n.session.Destroy()
	}
	n.domains()
	C.zos_host_trim_idle()
	n.session, n.handle, n.steps, n.domains = nil, nil, nil, nil
	process.release("session")
}

func (n *Inference) enter() error {
	n.mu.RLock()
	if n.session == nil {
		n.mu.RUnlock()
		return errInferenceClosed
	}
	return nil
}

func (n *Inference) leave() { n.mu.RUnlock() }

func (n *Inference) exclude(st *Step) {
	n.mu.Lock()
	defer n.mu.Unlock()
	st.free()
	delete(n.steps, st)
}

func (n *Inference) run(ctx context.Context, b *C.zos_binding) error {
	return n.execute(ctx, b, false)
}

var errInferenceClosed = fmt.Errorf("run: session %w", ErrClosed)
