package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/models/space"
	"zos-ort/ort"
)

// oracleCase is a small network with a few steps and the numbers that must come out. Weights,
// images, labels and masks are hashes of (tensor, element), so the case alone fixes everything.
type oracleCase struct {
	Kind, Name                      string
	Channels, Cells, Classes, Batch int
	Image, Partial, Steps, Batches  int
	BetaLambda                      float64 `json:"beta_lambda"`
	LR                              float64 `json:"lr"`
	Xi                              float64
	Auxiliary                       bool
	DropPath                        float64 `json:"drop_path"`
	Mask                            *struct{ Normal, Reduce [][]string }
	Genotype                        *struct{ Normal, Reduce [][2]any }
	Expected                        json.RawMessage
}

// oracleTolerance is relative to the larger of 1 and the expected number.
const oracleTolerance = 1e-4

// kinkTolerance is for gradient norms. A gradient jumps where a ReLU input or the two largest numbers
// of a pooling window lie within float32 rounding of each other. Step 5 of darts_full has such a place:
// the float64 evaluator itself gives 5.9238 (the oracle's number) or 5.9245 (what float32 gives) when the
// weights are perturbed by 3e-7 of their size, 1.2e-4 apart, with the losses equal to 1e-7.
const kinkTolerance = 3e-4

// TestOracle compares with the reference numbers of every case in the folder ZOS_ORACLE_DIR, or in
// our own copy.
func TestOracle(t *testing.T) {
	needRuntime(t)
	dir := os.Getenv("ZOS_ORACLE_DIR")
	if dir == "" {
		dir = filepath.Join("testdata", "oracle")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no oracle cases in %s (%v)", dir, err)
	}
	run := map[string]func(*testing.T, oracleCase){"search": oracleSearch, "prune": oraclePrune,
		"retrain": oracleRetrain}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".json"), func(t *testing.T) {
			c := readOracle(t, f)
			if run[c.Kind] == nil {
				t.Fatalf("unknown kind of case %q", c.Kind)
			}
			run[c.Kind](t, c)
		})
	}
}

func readOracle(t *testing.T, path string) (c oracleCase) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	decodeStrict(t, b, &c)
	return c
}

// decodeStrict fails on fields that the test does not know: nothing of a case may be ignored.
func decodeStrict(t *testing.T, b []byte, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatal(err)
	}
}

func needRuntime(t testing.TB) {
	t.Helper()
	if err := ort.Open(""); errors.Is(err, ort.ErrNoRuntime) {
		t.Skipf("skipped: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
}

// uniform gives n numbers in [0,1): the hash of (k, i).
func uniform(k, n int) []float64 {
	u := make([]float64, n)
	for i := range u {
		h := uint32(i)*2654435761 + uint32(k)*40503 + 12345
		for range 2 {
			h ^= h >> 16
			h *= 0x45D9F3B
		}
		h ^= h >> 16
		u[i] = float64(h) / (1 << 32)
	}
	return u
}

func fill(k, n int, bound float64) []float64 {
	u := uniform(k, n)
	for i := range u {
		u[i] = (2*u[i] - 1) * bound
	}
	return u
}

func float32s(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// weights fills the tensors that are drawn, in construction order, and sets the constant ones.
func oracleWeights(l graphgen.Layout) []float32 {
	w, k := make([]float32, l.Len()), 0
	for _, e := range l {
		piece := w[e.Offset : e.Offset+e.Len()]
		if e.Init.Bound > 0 {
			copy(piece, float32s(fill(k, e.Len(), e.Init.Bound)))
			k++
			continue
		}
		for i := range piece {
			piece[i] = float32(e.Init.Value)
		}
	}
	return w
}

func (c oracleCase) images(k int) []float32 {
	return float32s(fill(k, c.Batch*3*c.Image*c.Image, 1.7))
}

func (c oracleCase) labels(k int) []int64 {
	y := make([]int64, c.Batch)
	for i, u := range uniform(k, c.Batch) {
		y[i] = int64(u * float64(c.Classes))
	}
	return y
}

func (c oracleCase) mask(t *testing.T) space.Mask {
	t.Helper()
	if c.Mask == nil {
		return space.DARTS.FullMask()
	}
	m, err := space.DARTS.ParseMask([2][][]string{c.Mask.Normal, c.Mask.Reduce})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	within(t, what, got, want, oracleTolerance)
}

func within(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if d := math.Abs(got - want); !(d <= tolerance*max(1, math.Abs(want))) {
		t.Errorf("%s: got %v, want %v (off by %.2g)", what, got, want, d)
	}
}
