package search

import (
	"time"

	"zos-ort/models/budget"
	"zos-ort/models/space"
	"zos-ort/ort/program"
	"zos-ort/search/train"
)

// Epoch is what is known after an epoch.
type Epoch struct {
	Epoch     int
	Rate      float64 // learning rate of the weights
	Lambda    float64 // weight of the beta regulariser
	Means             // over the steps
	ValidLoss float64 // validation half, running statistics
	ValidAcc  float64
	Entropy   [2]float64
	Frozen    int // operations of the supernet that no longer train, see Config.FreezeBelow
	Genotype  space.Genotype
	Alphas    *space.Alphas `json:"-"` // that the genotype derives from; owned by the search, copy to keep

	// Time is not part of what a seed determines.
	Time Times
}

// Means are figures of the steps of an epoch: their means or, while it runs, their sums.
type Means struct {
	TrainLoss, TrainAcc float64 // of the weight steps
	AlphaLoss, AlphaAcc float64 // of the alpha steps; 0 during warm-up
	Norm                float64 // gradient norm before clipping
}

func (m *Means) all() []*float64 {
	return []*float64{&m.TrainLoss, &m.TrainAcc, &m.AlphaLoss, &m.AlphaAcc, &m.Norm}
}

// over divides sums by the number of steps.
func (m Means) over(n int) Means {
	for _, x := range m.all() {
		*x /= float64(n)
	}
	return m
}

// times scales sums to another number of steps.
func (m Means) times(factor float64) Means {
	for _, x := range m.all() {
		*x *= factor
	}
	return m
}

// Times says where an epoch's time went.
type Times struct{ Total, Weight, Alpha, Eval, Waited time.Duration }

// Recorder receives what a search reports. The alphas of a snapshot are owned by the search.
type Recorder = train.Recorder[Epoch, Snapshot]

// Snapshot is where a search stands between two steps: with the state vectors of its net, all that
// it takes to go on as if it had never stopped.
type Snapshot struct {
	Epoch int // running
	Step  int // of the epoch, to be made next; their number when only the evaluation is left
	Sums  Means
	Time  Times  // of the running epoch so far
	Last  *Epoch // the epoch before, if any
	Stop  *Stop  `json:",omitempty"` // what ended the search early
	// Recent are the alphas after the last epochs, while their mean gives the genotype.
	Recent []*space.Alphas `json:",omitempty"`
	// Prices are the weights of the limits.
	Prices budget.Prices `json:",omitempty"`
	// Kept are the operations that a selection by perturbation has left on every edge, none on an edge that it
	// has taken away.
	Kept *[2][]space.Set `json:",omitempty"`
	// Frozen is what is known of operations that overfit.
	Frozen *Frozen `json:",omitempty"`
	// Ranks that have searched together; 0 is one.
	Ranks int `json:",omitempty"`
	// Before are the alphas at the start of the running epoch, while an early stop may go back to
	// them.
	Before *space.Alphas `json:",omitempty"`

	Alphas *space.Alphas
	Adam   AdamState
}

// on is the snapshot for a number of ranks.
func (s Snapshot) on(size int) Snapshot {
	step, factor := train.Carry(s.Step, s.Ranks, size)
	s.Step, s.Sums = step, s.Sums.times(factor)
	return s
}

// Start is a snapshot with the state that belongs to it.
type Start struct {
	Snapshot
	Vectors program.Vectors
}
