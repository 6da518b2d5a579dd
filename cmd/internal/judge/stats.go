package judge

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"gonum.org/v1/gonum/stat"
)

// Percentile is the percentage of a rising sample below x, where equal values count half.
func Percentile(sorted []float64, x float64) float64 {
	below := sort.SearchFloat64s(sorted, x)
	upTo := sort.Search(len(sorted), func(i int) bool { return sorted[i] > x })
	return 100 * float64(below+upTo) / 2 / float64(len(sorted))
}

// bestOf is the expected maximum of n draws, with replacement, from a rising sample:
// sum_i x_i ((i/N)^n - ((i-1)/N)^n) over the order statistics.
func bestOf(sorted []float64, n int) (mean float64) {
	size := float64(len(sorted))
	for i, x := range sorted {
		mean += x * (math.Pow(float64(i+1)/size, float64(n)) - math.Pow(float64(i)/size, float64(n)))
	}
	return mean
}

// maxWorth bounds the draws that an accuracy is said to be worth.
const maxWorth = 10000

// worth is the smallest number of random draws whose best one is expected to reach x; 0 if one draw
// is more than enough, maxWorth if so many are not enough.
func worth(sorted []float64, x float64) int {
	if x < bestOf(sorted, 1) {
		return 0
	}
	return 1 + sort.Search(maxWorth-1, func(i int) bool { return bestOf(sorted, i+1) >= x })
}

// uniformTail is the probability that the mean of n independent numbers, uniform in [0,1], is at
// least m: the tail of the Irwin-Hall distribution. Percentiles of random architectures are such
// numbers, so it is the p-value of "no better than random" for n seeds of mean percentile 100 m.
func uniformTail(n int, m float64) float64 {
	x := float64(n) * (1 - m) // by symmetry P(sum >= n m) = P(sum <= n - n m)
	if n > 15 {               // the alternating sum loses its digits; the normal limit is near by then
		return .5 * math.Erfc((float64(n)/2-x)/math.Sqrt(float64(n)/12)/math.Sqrt2)
	}
	sum, term := 0., 1. // term = (-1)^k C(n,k)
	for k := 0; k <= int(x) && k <= n; k++ {
		sum += term * math.Pow(x-float64(k), float64(n))
		term *= -float64(n-k) / float64(k+1)
	}
	for k := 2; k <= n; k++ {
		sum /= float64(k)
	}
	return min(1, max(0, sum))
}

// resamples of a bootstrap, and of a permutation test whose permutations are too many to count.
const resamples = 10000

// bootstrap is the central 95 % interval of the mean over resamples of the values.
func bootstrap(rng *rand.Rand, values []float64) (low, high float64) {
	means := make([]float64, resamples)
	for i := range means {
		for range values {
			means[i] += values[rng.IntN(len(values))] / float64(len(values))
		}
	}
	slices.Sort(means)
	return stat.Quantile(.025, stat.LinInterp, means, nil), stat.Quantile(.975, stat.LinInterp, means, nil)
}

// maxExact bounds the pairs whose choices of signs are counted one by one.
const maxExact = 16

// signFlips is the one-sided p-value that the mean of paired differences is above zero, over all
// choices of their signs (Fisher 1935); for many pairs over a sample of the choices. With n pairs it
// is at least 2^-n.
func signFlips(rng *rand.Rand, differences []float64) float64 {
	n := len(differences)
	flipped := func(signs uint64) (sum float64) {
		for i, d := range differences {
			if signs>>(i%64)&1 == 1 {
				d = -d
			}
			sum += d
		}
		return sum
	}
	observed := flipped(0)
	observed -= 1e-12 * math.Abs(observed) // equal sums in another order are equal
	atLeast, all := 0, 1<<min(n, maxExact)
	if n > maxExact {
		atLeast, all = 1, 1+resamples // the observed one is one of them
		for range resamples {
			if flipped(rng.Uint64()) >= observed {
				atLeast++
			}
		}
		return float64(atLeast) / float64(all)
	}
	for signs := range all {
		if flipped(uint64(signs)) >= observed {
			atLeast++
		}
	}
	return float64(atLeast) / float64(all)
}
