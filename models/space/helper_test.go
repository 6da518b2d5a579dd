package space

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Sizes of DARTS, which the tests are about unless they say otherwise.
const (
	nodes      = 4
	edges      = 14
	primitives = 8
)

// cellTypes are its kinds of cells.
var cellTypes = [...]CellType{Normal, Reduce}

// wantError checks that an error says all the parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

func wantNear(t testing.TB, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*(1+math.Abs(want))) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func drawRand(t *rapid.T) *rand.Rand { return newRand(rapid.Uint64().Draw(t, "seed")) }

// drawMask draws masks of all densities that can be searched.
func drawMask(t *rapid.T, rng *rand.Rand) Mask {
	m, _ := DARTS.RandomMask(rng, rapid.Float64Range(0, 1).Draw(t, "keep"))
	return m
}

// drawAlphas draws alphas of order 1, with edge weights or without.
func drawAlphas(t *rapid.T) *Alphas {
	rng := drawRand(t)
	a := NewAlphas(drawMask(t, rng), rapid.Bool().Draw(t, "edge weights"))
	for i := range a.Vector() {
		a.Vector()[i] = rng.NormFloat64()
	}
	return a
}

// must returns a value that has to be there.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// oracleCase is what the cases of ../shared/oracle say about this package.
type oracleCase struct {
	Name, Kind                                string
	Channels, Cells, Classes, Partial, Rounds int
	Auxiliary                                 bool
	Mask                                      *oracleCells[[]string]
	Genotype                                  *oracleCells[named]
	Expected                                  struct{ Weights int }
}

type oracleCells[T any] struct{ Normal, Reduce []T }

// oracleCases reads the cases, or skips the test where there are none.
func oracleCases(t *testing.T) []oracleCase {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dataFolder(t), "oracle", "*.json"))
	if len(files) == 0 {
		t.Skip("no oracle cases: set ZOS_DATA to the folder that holds oracle/")
	}
	var cases []oracleCase
	for _, file := range files {
		var c oracleCase
		if err := json.Unmarshal(must(os.ReadFile(file))(t), &c); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		cases = append(cases, c)
	}
	return cases
}

// dataFolder is ZOS_DATA, or shared beside the module root.
func dataFolder(t *testing.T) string {
	if dir := os.Getenv("ZOS_DATA"); dir != "" {
		return dir
	}
	dir := must(os.Getwd())(t)
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(filepath.Dir(dir), "shared")
		}
		dir = filepath.Dir(dir)
	}
	return ""
}
