package prune

import (
	"encoding/json"
	"fmt"
	"math"
)

// Progress is everything that a pruning has computed: the kernel norms of its networks. Scores, masks
// and what is removed follow from them, so a pruning that starts from a Progress repeats no network
// and ends with the same bits.
type Progress struct {
	Rounds [][]Norms `json:"rounds"` // by round and repeat
}

// Norms are what the rankers say in one repeat, ranker by ranker: of the network without each operation, or
// group of them, and last of the full network. NaN stands for what is not known yet.
type Norms []float64

// NewNorms makes room for the norms of n networks, none known yet.
func NewNorms(networks int) Norms {
	n := make(Norms, networks)
	for i := range n {
		n[i] = math.NaN()
	}
	return n
}

// Full is the norm of the full network.
func (n Norms) Full() float64 { return n[len(n)-1] }

// ofRanker are the norms of one ranker.
func (n Norms) ofRanker(r int, groups []group) Norms {
	each := len(groups) + 1
	return n[r*each : (r+1)*each]
}

// Missing counts what is not known yet.
func (n Norms) Missing() (missing int) {
	for _, x := range n {
		if math.IsNaN(x) {
			missing++
		}
	}
	return missing
}

// MarshalJSON writes a list of numbers, null for what is not known yet.
func (n Norms) MarshalJSON() ([]byte, error) {
	list := make([]*float64, len(n))
	for i := range n {
		if !math.IsNaN(n[i]) {
			list[i] = &n[i]
		}
	}
	return json.Marshal(list)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (n *Norms) UnmarshalJSON(b []byte) error {
	var list []*float64
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*n = make(Norms, len(list))
	for i, x := range list {
		(*n)[i] = math.NaN()
		if x != nil {
			(*n)[i] = *x
		}
	}
	return nil
}

// check refuses the norms of round i if they are those of other settings.
func (p *Progress) check(i, repeats, networks int) error {
	if i >= len(p.Rounds) {
		return nil
	}
	if n := len(p.Rounds[i]); n > repeats {
		return fmt.Errorf("the progress has %d repeats, the settings want %d", n, repeats)
	}
	for _, n := range p.Rounds[i] {
		if len(n) != networks {
			return fmt.Errorf("the progress has %d norms, there are %d networks", len(n), networks)
		}
	}
	return nil
}

// norms returns the norms of a repeat of round i, made if they are not there yet.
func (p *Progress) norms(i, repeat, networks int) Norms {
	if i == len(p.Rounds) {
		p.Rounds = append(p.Rounds, nil)
	}
	if repeat == len(p.Rounds[i]) {
		p.Rounds[i] = append(p.Rounds[i], NewNorms(networks))
	}
	return p.Rounds[i][repeat]
}

// missing counts the norms of round i that are not known yet, if it takes all repeats.
func (p *Progress) missing(i, repeats, networks int) int {
	n := repeats * networks
	for _, norms := range p.Rounds[i] {
		n -= len(norms) - norms.Missing()
	}
	return n
}
