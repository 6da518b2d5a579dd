package memory

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	onnxruntime "github.com/yalue/onnxruntime_go"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/onnx"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// The file of a session tells the shapes of few results, and ONNX Runtime finds out no others in the
// cells: it compares each one that it knows with all dead buffers, which made sessions quadratic. The
// head is of one size, however many cells there are. A file for others tells all.
func TestSessionsKnowFewShapes(t *testing.T) {
	openRuntime(t)
	for _, name := range []string{"darts", "zos", "etenas-pc"} {
		for _, p := range check.Must(Predict(small(4).With(check.Must(method.Find(name))(t)), 1))(t).Programs {
			wantFewShapes(t, name, p.Program)
		}
	}
	e := settings.PaperRetraining()
	e.Images = settings.PaperOnCIFAR().Images
	r := &e.Retraining
	r.Genotype, r.Batch, r.Channels, r.Cells = check.Must(space.Named("DARTS_V2"))(t), 4, 8, 5
	for _, p := range check.Must(e.Programs(settings.StageTraining, space.Mask{}))(t) {
		wantFewShapes(t, "retraining", p)
	}
}

// More cells bring no more shapes to the session of a search: the number of dead buffers grows with the
// cells already.
func TestKnownShapesDoNotGrow(t *testing.T) {
	openRuntime(t)
	for _, name := range []string{"darts", "pc-darts", "zos"} {
		few, more := shapesOfSteps(t, name, 5), shapesOfSteps(t, name, 6)
		if !slices.Equal(few, more) {
			t.Errorf("%s: ONNX Runtime knows the shapes of %v results of the steps with 5 cells, of %v with 6", name, few, more)
		}
	}
}

// shapesOfSteps counts the shapes that ONNX Runtime knows in the programs of a search.
func shapesOfSteps(t *testing.T, name string, cells int) (counts []int) {
	t.Helper()
	e := small(4).With(check.Must(method.Find(name))(t))
	e.Network.Cells = cells
	for _, p := range check.Must(Predict(e, 1))(t).Programs {
		known, _ := knownShapes(t, resolved(t, p.Program))
		counts = append(counts, len(known))
	}
	return counts
}

func wantFewShapes(t *testing.T, name string, p *graphgen.Program) {
	t.Helper()
	all, _ := knownShapes(t, check.Must(p.File())(t))
	told, results := knownShapes(t, p.Model)
	found, _ := knownShapes(t, resolved(t, p))
	t.Logf("%s, %s: %d results, shapes of %d in the session's file", name, p.Name, results, len(told))
	if len(all) != results || len(told)*3 > results {
		t.Errorf("%s, %s: %d results, shapes of %d told to others and of %d to the session", name, p.Name, results,
			len(all), len(told))
	}
	for v := range found {
		if strings.HasPrefix(v, "cell") && !told[v] {
			t.Errorf("%s, %s: ONNX Runtime finds out the shape of %s", name, p.Name, v)
		}
	}
}

// resolved is the model as a session has it. ONNX Runtime writes the file that it has read, unless it
// must put the constants into a file of their own: then it writes what it has found out, too.
func resolved(t *testing.T, p *graphgen.Program) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "resolved.onnx")
	constants := map[string]string{"session.optimized_model_external_initializers_file_name": "constants"}
	trial := check.Must(meter.NewTrial(p, ort.Options{Threads: 1, ConfigEntries: constants,
		Providers: func(o *onnxruntime.SessionOptions) error { return o.SetOptimizedModelFilePath(path) }}))(t)
	trial.Close()
	return check.Must(os.ReadFile(path))(t)
}

// knownShapes lists the results of nodes with a shape in a file, and counts all that the file declares.
func knownShapes(t *testing.T, b []byte) (known map[string]bool, declared int) {
	t.Helper()
	known = map[string]bool{}
	infos := check.Must(onnx.Parse(b))(t).Graph.ValueInfo
	for _, v := range infos {
		if v.Type.GetTensorType().GetShape() != nil {
			known[v.GetName()] = true
		}
	}
	return known, len(infos)
}
