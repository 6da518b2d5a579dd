package bench

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/models/space"
	"zos-ort/ort"
)

// BenchmarkSessions makes the session of each program at several numbers of cells by turns, at the batch
// of the papers, and reports the least processor time of each size and the power with which it grows.
func BenchmarkSessions(b *testing.B) {
	openRuntime(b)
	sizes := []int{8, 12, 16, 20}
	for _, c := range sessionCases {
		b.Run(c.name, func(b *testing.B) {
			var programs []*graphgen.Program
			for _, cells := range sizes {
				programs = append(programs, c.program(b, cells))
			}
			each := make([][]float64, len(sizes))
			for b.Loop() {
				for i, p := range programs {
					each[i] = append(each[i], creation(b, p))
				}
			}
			var x, y []float64
			for i, cells := range sizes {
				least := slices.Min(each[i])
				b.ReportMetric(1e3*least, fmt.Sprintf("ms-%d-cells", cells))
				x, y = append(x, math.Log(float64(cells))), append(y, math.Log(least))
			}
			_, exponent := stat.LinearRegression(x, y, nil, false)
			b.ReportMetric(exponent, "exponent")
		})
	}
}

// sessionCase is a program whose session is made at several numbers of cells.
type sessionCase struct {
	name    string
	program func(tb testing.TB, cells int) *graphgen.Program
}

var sessionCases = []sessionCase{
	{"darts/weight", searchStep("darts", 0)},
	{"darts/alpha", searchStep("darts", 1)},
	{"zos/weight", searchStep("zos", 0)},
	{"zos/alpha", searchStep("zos", 1)},
	{"retrain", retrainStep},
}

func searchStep(method string, i int) func(testing.TB, int) *graphgen.Program {
	return func(tb testing.TB, cells int) *graphgen.Program {
		c := goBench{method: method, passes: settings.PassesAll}.open(tb)
		c.Search.Batch, c.Network.Cells = 128, cells
		return check.Must(c.steps())(tb)[i]
	}
}

func retrainStep(tb testing.TB, cells int) *graphgen.Program {
	e := settings.PaperRetraining()
	e.Images = settings.PaperOnCIFAR().Images
	e.Retraining.Genotype, e.Retraining.Cells = check.Must(space.Named("DARTS_V2"))(tb), cells
	return check.Must(e.Programs(settings.StageTraining, space.Mask{}))(tb)[0]
}

// creation is the processor time in seconds that the session of a program takes.
func creation(b *testing.B, p *graphgen.Program) float64 {
	net := openNet(b, p, ort.Options{Threads: 1})
	defer net.Close()
	before := processorTime(b)
	r, err := net.Open(p)
	took := processorTime(b) - before
	if err != nil {
		b.Fatal(err)
	}
	r.Close()
	return took
}
