package figure1

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/images"
	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/stages"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/prune/ranking"
)

// scorer gives every architecture a number; step is called for each.
type scorer interface {
	scores(ctx context.Context, archs []space.Genotype, step func()) ([]float64, error)
	close()
}

// Scorer reads what the scorer needs, completes the settings with what that is, and returns the
// function that makes the scorer once the runtime is open.
func (s *Settings) Scorer(ctx context.Context, ignoreMemory bool,
	p *terminal.Console) (func() (scorer, error), error) {
	if s.Score == ScoreSurrogate {
		return func() (scorer, error) { return openSurrogate(s.Surrogate, s.Threads) }, nil
	}
	e := s.NNGP
	train, _, err := images.Load(ctx, &e.Images, e.Seed, 0, p)
	if err == nil {
		err = e.CheckImages()
	}
	if err != nil {
		return nil, err
	}
	ranking := memory.Of(*e, settings.StagePruning, space.FullMask())
	ranking.What = "the ranking"
	need, err := memory.NeedOf([]memory.Demand{ranking}, memory.HostMemory())
	if err != nil {
		return nil, err
	}
	if err := need.Guard(p, ignoreMemory); err != nil {
		return nil, err
	}
	return func() (scorer, error) {
		ranker, err := stages.Ranker(ctx, *e, new(device.Device), train)
		return nngp{ranker, e.Ranking.Repeats}, err
	}, nil
}

// nngp scores by the ranking kernel of Algorithm 1.
type nngp struct {
	*ranking.Supernet
	repeats int
}

func (n nngp) scores(ctx context.Context, archs []space.Genotype, step func()) ([]float64, error) {
	calls := 0
	return n.Score(ctx, archs, n.repeats, func() {
		if calls++; calls%n.repeats == 0 {
			step()
		}
	})
}

func (n nngp) close() {}

// Ports of YAHPO Gym's nb301/model.onnx.
const (
	categoriesPort = "x_cat"  // int32[N,34], see space.NB301
	epochPort      = "x_cont" // float[N,1]
	surrogateTerms = 2        // validation accuracy in percent, training time
)

// surrogate predicts validation accuracies, a batch of architectures at a time.
type surrogate struct {
	file                      string
	model                     *ort.Inference
	run                       *ort.Step
	categories, epoch, result *ort.Tensor
	batch                     int
}

// openSurrogate makes the session and checks that the model is one of this kind.
func openSurrogate(f *surrogateSettings, threads int) (*surrogate, error) {
	s := &surrogate{file: f.File, batch: f.Batch}
	var err error
	if s.model, err = ort.NewInference(f.model, ort.Options{Threads: threads}); err != nil {
		return nil, fmt.Errorf("surrogate %s: %w", f.File, err)
	}
	if err = s.bind(f.Epoch); err != nil {
		s.close()
		return nil, fmt.Errorf("surrogate %s: %w", f.File, err)
	}
	return s, nil
}

func (s *surrogate) bind(epoch int) (err error) {
	inputs, outputs := s.model.Inputs(), s.model.Outputs()
	if len(inputs) != 2 || len(outputs) == 0 {
		return fmt.Errorf("it has %d inputs and %d outputs, want the inputs %s and %s, and an output",
			len(inputs), len(outputs), categoriesPort, epochPort)
	}
	for _, want := range []ort.Port{{Name: categoriesPort, DType: ort.Int32, Shape: []int{-1, space.NB301Len}},
		{Name: epochPort, DType: ort.Float, Shape: []int{-1, 1}}} {
		if err := s.wantPort("input", inputs, want); err != nil {
			return err
		}
	}
	out := outputs[0].Name
	if err := s.wantPort("output", outputs[:1], ort.Port{Name: out, DType: ort.Float,
		Shape: []int{-1, surrogateTerms}}); err != nil {
		return err
	}
	if s.categories, err = ort.NewTensor(ort.Int32, s.batch, space.NB301Len); err != nil {
		return err
	}
	if s.epoch, err = ort.NewTensor(ort.Float, s.batch, 1); err != nil {
		return err
	}
	if s.result, err = ort.NewTensor(ort.Float, s.batch, surrogateTerms); err != nil {
		return err
	}
	for i := range s.epoch.Float32() {
		s.epoch.Float32()[i] = float32(epoch)
	}
	s.run, err = s.model.Bind(map[string]*ort.Tensor{categoriesPort: s.categories, epochPort: s.epoch},
		map[string]*ort.Tensor{out: s.result})
	return err
}

// wantPort finds a port and checks its type. A dimension that the model leaves open fits, and one
// that it fixes for the batch is the batch from now on.
func (s *surrogate) wantPort(kind string, ports []ort.Port, want ort.Port) error {
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
	if p.Ranked && p.Shape[0] > 0 {
		s.batch = p.Shape[0]
	}
	return nil
}

// portType is like int32[N,34].
func portType(p ort.Port) string {
	dims := strings.ReplaceAll(strings.Join(strings.Fields(fmt.Sprint(p.Shape)), ","), "-1", "N")
	return p.DType.String() + dims
}

// scores fills batch after batch; the last one is filled up with what was in it before.
func (s *surrogate) scores(ctx context.Context, archs []space.Genotype, step func()) ([]float64, error) {
	list := make([]float64, 0, len(archs))
	for batch := range slices.Chunk(archs, s.batch) {
		for i, g := range batch {
			code, err := g.NB301()
			if err != nil {
				return nil, err
			}
			row := s.categories.Int32()[i*space.NB301Len:]
			for j, x := range code {
				row[j] = int32(x)
			}
		}
		if err := s.run.RunContext(ctx); err != nil {
			return nil, fmt.Errorf("surrogate %s: %w", s.file, err)
		}
		for i, g := range batch {
			x := float64(s.result.Float32()[i*surrogateTerms])
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return nil, fmt.Errorf("surrogate %s: the accuracy of %v is %v", s.file, g, x)
			}
			list = append(list, x)
			step()
		}
	}
	return list, nil
}

func (s *surrogate) close() {
	s.run.Close()
	s.model.Close()
	for _, t := range []*ort.Tensor{s.categories, s.epoch, s.result} {
		t.Close()
	}
}
