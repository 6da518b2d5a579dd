package judge

import (
	"math"
	"math/rand/v2"
	"testing"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestPercentile(t *testing.T) {
	sorted := []float64{1, 2, 2, 4}
	for x, want := range map[float64]float64{0: 0, 1: 12.5, 1.5: 25, 2: 50, 3: 75, 4: 87.5, 5: 100} {
		near(t, "percentile", Percentile(sorted, x), want, 1e-12)
	}
}

// The maximum of n uniform numbers is n/(n+1) on average.
func TestBestOf(t *testing.T) {
	var sorted []float64
	for i := range 10000 {
		sorted = append(sorted, (float64(i)+.5)/10000)
	}
	for _, n := range []int{1, 2, 10, 100} {
		near(t, "best", bestOf(sorted, n), float64(n)/float64(n+1), 1e-4)
	}
	for x, want := range map[float64]int{.4: 0, .6: 2, .909: 10, 2: maxWorth} {
		if got := worth(sorted, x); got != want {
			t.Errorf("%v is worth %d draws, want %d", x, got, want)
		}
	}
}

// Closed forms for one and two numbers, and the share of simulated means for more.
func TestUniformTail(t *testing.T) {
	near(t, "n=1", uniformTail(1, .9), .1, 1e-12)
	near(t, "n=2", uniformTail(2, .9), .2*.2/2, 1e-12)
	near(t, "n=2, below the mean", uniformTail(2, .1), 1-.2*.2/2, 1e-12)
	near(t, "n=5, certain", uniformTail(5, 0), 1, 1e-12)
	near(t, "n=5, impossible", uniformTail(5, 1), 0, 1e-12)
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{5, 15, 16, 30} {
		const trials, m = 100000, .6
		hits := 0
		for range trials {
			sum := 0.
			for range n {
				sum += rng.Float64()
			}
			if sum >= m*float64(n) {
				hits++
			}
		}
		want := float64(hits) / trials
		near(t, "simulated tail", uniformTail(n, m), want, 5*math.Sqrt(want/trials)+1e-3)
	}
}

// The interval covers the mean in about 95 % of samples, fewer for small ones.
func TestBootstrap(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	covered := 0
	for range 100 {
		var values []float64
		for range 30 {
			values = append(values, rng.NormFloat64())
		}
		if low, high := bootstrap(rng, values); low < 0 && 0 < high {
			covered++
		}
	}
	if covered < 86 || covered > 99 {
		t.Errorf("%d of 100 intervals cover the mean", covered)
	}
}

func TestSignFlips(t *testing.T) {
	near(t, "all above", signFlips(nil, []float64{1, 2, 3, 4, 5}), 1./32, 1e-12)
	near(t, "all below", signFlips(nil, []float64{-1, -2, -3}), 1, 1e-12)
	near(t, "two", signFlips(nil, []float64{3, -1}), .5, 1e-12)
	near(t, "zeros", signFlips(nil, []float64{0, 0}), 1, 1e-12)
	rng := rand.New(rand.NewPCG(3, 1))
	var many []float64
	for range 40 {
		many = append(many, .5+rng.NormFloat64())
	}
	// The normal limit of the same test.
	sum, squares := 0., 0.
	for _, d := range many {
		sum, squares = sum+d, squares+d*d
	}
	want := .5 * math.Erfc(sum/math.Sqrt(squares)/math.Sqrt2)
	near(t, "40 pairs", signFlips(rng, many), want, .005)
}
