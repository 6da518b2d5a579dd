package data

import "zos-ort/models/stream"

// Split deals the images 0..n-1 to the two sides of the bilevel search of DARTS: the first
// half of a fixed, seeded permutation trains the weights, the second half the alphas. With an odd
// n the alphas get the extra image. It depends on n and seed only.
func Split(n int, seed uint64) (weights, alphas []int) {
	order := newGenerator().at(seed, stream.Split, uint64(n), 0).Perm(n)
	half := n / 2
	return order[:half:half], order[half:]
}
