package surrogate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"zos-ort/graphgen/onnx"
	"zos-ort/models/space"
	"zos-ort/ort"
)

// Ports of the models.
const (
	categoriesPort = "x_cat"  // int32[N,34], see space.NB301
	epochPort      = "x_cont" // float[N,1]
)

// Model predicts validation accuracies, a batch of architectures at a time. Close it.
type Model struct {
	file                       string
	form                       form
	order                      ordering
	epoch                      int
	model                      *ort.Inference
	run                        *ort.Step
	categories, epochs, result *ort.Tensor
	batch                      int
}

// Open makes the session and checks that the model is a surrogate. A model that declares a fixed
// batch is run with a larger one if its predictions stay the same.
func (f *File) Open(ctx context.Context, threads int) (*Model, error) {
	m, err := f.open(f.model, threads)
	if err == nil && m.batch < f.Batch {
		m, err = f.widen(ctx, m, threads)
	}
	if err == nil {
		err = m.findOrder(ctx)
		if err != nil {
			m.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("surrogate %s: %w", f.File, err)
	}
	return m, nil
}

func (f *File) open(model []byte, threads int) (*Model, error) {
	m := &Model{file: f.File, batch: f.Batch, epoch: f.Epoch, order: orderings[0]}
	var err error
	if m.model, err = ort.NewInference(model, ort.Options{Threads: threads}); err != nil {
		return nil, err
	}
	if err = m.bind(); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

func (m *Model) bind() (err error) {
	inputs, outputs := m.model.Inputs(), m.model.Outputs()
	if len(inputs) != 2 || len(outputs) != 1 {
		return fmt.Errorf("it has %d inputs and %d outputs, want the inputs %s and %s, and an output",
			len(inputs), len(outputs), categoriesPort, epochPort)
	}
	for _, want := range []ort.Port{{Name: categoriesPort, DType: ort.Int32, Shape: []int{-1, space.NB301Len}},
		{Name: epochPort, DType: ort.Float, Shape: []int{-1, 1}}} {
		if err := m.wantPort("input", inputs, want); err != nil {
			return err
		}
	}
	out := outputs[0]
	if m.form, err = formOf(out); err != nil {
		return err
	}
	m.wantBatch(out)
	if m.categories, err = ort.NewTensor(ort.Int32, m.batch, space.NB301Len); err != nil {
		return err
	}
	if m.epochs, err = ort.NewTensor(ort.Float, m.batch, 1); err != nil {
		return err
	}
	if m.result, err = ort.NewTensor(ort.Float, m.batch, m.form.outputs); err != nil {
		return err
	}
	for i := range m.epochs.Float32() {
		m.epochs.Float32()[i] = float32(m.epoch)
	}
	m.run, err = m.model.Bind(map[string]*ort.Tensor{categoriesPort: m.categories, epochPort: m.epochs},
		map[string]*ort.Tensor{out.Name: m.result})
	return err
}

// formOf recognises a form by the number of outputs.
func formOf(out ort.Port) (form, error) {
	var known []string
	for _, f := range forms {
		if out.DType == ort.Float && out.Ranked && len(out.Shape) == 2 && out.Shape[1] == f.outputs {
			return f, nil
		}
		known = append(known, fmt.Sprintf("float[N,%d] (%s)", f.outputs, f.name))
	}
	return form{}, fmt.Errorf("output %s is %s, want %s", out.Name, portType(out), strings.Join(known, " or "))
}

// wantPort finds a port and checks its type. A dimension that the model leaves open fits.
func (m *Model) wantPort(kind string, ports []ort.Port, want ort.Port) error {
	i := slices.IndexFunc(ports, func(p ort.Port) bool { return p.Name == want.Name })
	if i < 0 {
		var names []string
		for _, p := range ports {
			names = append(names, p.Name)
		}
		return fmt.Errorf("no %s %s among %s", kind, want.Name, strings.Join(names, ", "))
	}
	p := ports[i]
	fits := p.DType == want.DType
	if fits && p.Ranked {
		fits = len(p.Shape) == 2 && (p.Shape[1] < 0 || p.Shape[1] == want.Shape[1])
	}
	if !fits {
		return fmt.Errorf("%s %s is %s, want %s", kind, p.Name, portType(p), portType(want))
	}
	m.wantBatch(p)
	return nil
}

// wantBatch takes over a batch that a port fixes.
func (m *Model) wantBatch(p ort.Port) {
	if p.Ranked && len(p.Shape) > 0 && p.Shape[0] > 0 {
		m.batch = p.Shape[0]
	}
}

// portType is like int32[N,34].
func portType(p ort.Port) string {
	dims := strings.ReplaceAll(strings.Join(strings.Fields(fmt.Sprint(p.Shape)), ","), "-1", "N")
	return p.DType.String() + dims
}

// probes are the architectures that tell whether two forms of a model agree, or which order its
// categories have.
const probes = 200

// widen replaces a model that declares a fixed batch by the same one with an open batch, if ONNX
// Runtime runs it and its predictions are those of the declared batch.
func (f *File) widen(ctx context.Context, fixed *Model, threads int) (*Model, error) {
	model, err := openBatch(f.model)
	if err != nil {
		return fixed, nil
	}
	open, err := f.open(model, threads)
	if err != nil {
		return fixed, nil
	}
	archs, err := probeArchitectures(2*fixed.batch + 1)
	if err != nil {
		return nil, err
	}
	want, err := fixed.predict(ctx, archs, 0, nothing)
	if err != nil {
		open.Close()
		return fixed, err
	}
	got, err := open.predict(ctx, archs, 0, nothing)
	for i := range got {
		if err == nil && !(math.Abs(got[i]-want[i]) <= 1e-4*math.Abs(want[i])) {
			err = fmt.Errorf("prediction %d is %v in a batch, %v alone", i, got[i], want[i])
		}
	}
	if err != nil { // its operators do depend on the batch
		open.Close()
		return fixed, ctx.Err()
	}
	fixed.Close()
	return open, nil
}

func nothing() {}

// openBatch declares the first dimension of every input and output open.
func openBatch(model []byte) ([]byte, error) {
	m, err := onnx.Parse(model)
	if err != nil {
		return nil, err
	}
	for _, v := range slices.Concat(m.Graph.Input, m.Graph.Output) {
		if dims := v.GetType().GetTensorType().GetShape().GetDim(); len(dims) > 0 {
			dims[0].Value = &onnx.TensorShapeProto_Dimension_DimParam{DimParam: "N"}
		}
	}
	m.Graph.ValueInfo = nil // would still say what the batch was
	return proto.Marshal(m)
}

// Space is DARTS.
func (m *Model) Space() *space.Space { return space.DARTS }

// Accuracies predicts the validation accuracy in percent; step is called for every architecture.
func (m *Model) Accuracies(ctx context.Context, archs []space.Genotype, step func()) ([]float64, error) {
	list, err := m.predict(ctx, archs, 0, step)
	for i := range list {
		list[i] *= m.form.scale
	}
	return list, err
}

// predict fills batch after batch and returns a column of the output. The last batch is filled up
// with what was in it before.
func (m *Model) predict(ctx context.Context, archs []space.Genotype, column int,
	step func()) ([]float64, error) {
	list := make([]float64, 0, len(archs))
	for batch := range slices.Chunk(archs, m.batch) {
		for i, g := range batch {
			code, err := g.NB301()
			if err != nil {
				return nil, err
			}
			row := m.categories.Int32()[i*space.NB301Len:]
			for j, x := range code {
				row[m.order.place[j]] = int32(x)
			}
		}
		if err := m.run.RunContext(ctx); err != nil {
			return nil, fmt.Errorf("surrogate %s: %w", m.file, err)
		}
		for i, g := range batch {
			x := float64(m.result.Float32()[i*m.form.outputs+column])
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return nil, fmt.Errorf("surrogate %s: the accuracy of %v is %v", m.file, g, x)
			}
			list = append(list, x)
			step()
		}
	}
	return list, nil
}

// Close releases the session.
func (m *Model) Close() {
	if m.run != nil {
		m.run.Close()
	}
	m.model.Close()
	for _, t := range []*ort.Tensor{m.categories, m.epochs, m.result} {
		if t != nil {
			t.Close()
		}
	}
}
