// Package check holds the comparisons that the tests of several packages share.
package check

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// Error checks that err mentions all the words.
func Error(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", words)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not mention %q", err, w)
		}
	}
}

// Close checks that got and want agree within absolute + relative |want|, and reports the first
// number that does not.
func Close(t *testing.T, what string, got, want []float64, absolute, relative float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d numbers, want %d", what, len(got), len(want))
		return
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= absolute+relative*math.Abs(want[i])) {
			t.Errorf("%s[%d] = %v, want %v", what, i, got[i], want[i])
			return
		}
	}
}

// Must takes the results of a call and returns the first, or ends the test with the error.
func Must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Normal draws n normal numbers of the given mean and deviation 1.
func Normal(seed uint64, n int, mean float64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := make([]float64, n)
	for i := range x {
		x[i] = mean + rng.NormFloat64()
	}
	return x
}
