package prune

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"zos-ort/models/space"
)

// Shard is one of several equal parts of the networks of a round: those whose number, counted through all
// repeats, leaves the remainder Index divided by Of. The zero Shard is everything. What is known of a network
// depends on the seed alone, so parts that are merged give the bits of a ranking in one piece.
type Shard struct{ Index, Of int }

// maxShards keeps numbers sane.
const maxShards = 10000

// ParseShard reads "r/N", the r-th of N parts; the empty text is everything.
func ParseShard(s string) (Shard, error) {
	if s == "" {
		return Shard{}, nil
	}
	a, b, ok := strings.Cut(s, "/")
	r, err := strconv.Atoi(a)
	n, other := strconv.Atoi(b)
	if !ok || err != nil || other != nil || r < 1 || r > n || n > maxShards {
		return Shard{}, fmt.Errorf("shard %q: want r/N, the r-th of at most %d parts, such as 1/4", s, maxShards)
	}
	return Shard{Index: r - 1, Of: n}, nil
}

// has says whether network i of n in a repeat is in the shard.
func (s Shard) has(repeat, i, n int) bool { return s.Of < 2 || (repeat*n+i)%s.Of == s.Index }

// PartError says that a shard has ranked its part of a round, whose other parts are not known.
type PartError struct {
	Round    int // from 1
	Networks int // that are known, repeats counted
	All      int
}

func (e *PartError) Error() string {
	return fmt.Sprintf("the shard's part of pruning round %d is done: %d of %d networks are known", e.Round, e.Networks, e.All)
}

// part lets a session compute the networks of a shard alone.
type part struct {
	Session
	shard   Shard
	rankers int
}

// Norms hides the networks of other shards from the session as long as it computes.
func (p part) Norms(ctx context.Context, repeat int, networks []space.Mask, norms Norms, step func()) error {
	var hidden []int
	n := len(networks)
	for r := range p.rankers {
		for i := range n {
			if at := r*n + i; math.IsNaN(norms[at]) && !p.shard.has(repeat, i, n) {
				norms[at] = 0
				hidden = append(hidden, at)
			}
		}
	}
	err := p.Session.Norms(ctx, repeat, networks, norms, step)
	for _, at := range hidden {
		norms[at] = math.NaN()
	}
	return err
}

// Merge adds what another progress of the same settings knows. Where both know a network, they must agree.
func (p *Progress) Merge(other Progress) error {
	for i, round := range other.Rounds {
		if i == len(p.Rounds) {
			p.Rounds = append(p.Rounds, nil)
		}
		for repeat, norms := range round {
			mine := p.norms(i, repeat, len(norms))
			if len(mine) != len(norms) {
				return fmt.Errorf("merge: round %d has %d networks in one part, %d in another", i+1, len(mine), len(norms))
			}
			for k, x := range norms {
				switch {
				case math.IsNaN(mine[k]):
					mine[k] = x
				case !math.IsNaN(x) && x != mine[k]:
					return fmt.Errorf("merge: round %d, repeat %d: network %d is %v in one part, %v in another",
						i+1, repeat+1, k+1, mine[k], x)
				}
			}
		}
	}
	return nil
}
