package search

import (
	"time"

	"zos-ort/models/space"
)

// Epoch is what is known after an epoch.
type Epoch struct {
	Epoch     int
	Rate      float64 // learning rate of the weights
	Lambda    float64 // weight of the beta regulariser
	TrainLoss float64 // mean over the weight steps
	TrainAcc  float64
	AlphaLoss float64 // mean over the alpha steps; 0 during warm-up
	AlphaAcc  float64
	ValidLoss float64 // validation half, running statistics
	ValidAcc  float64
	Norm      float64 // mean gradient norm before clipping
	Entropy   [2]float64
	Genotype  space.Genotype
	Alphas    *space.Alphas // owned by the search; copy to keep

	// Time is not part of what a seed determines.
	Time Times
}

// Times says where an epoch's time went.
type Times struct{ Total, Weight, Alpha, Eval, Waited time.Duration }

// Progress is told after every step.
type Progress struct {
	Epoch, Step, Steps int
	Loss, Accuracy     float64 // of the training batch
	AlphaLoss          float64 // 0 during warm-up
}

// Recorder receives what a search reports. An error of Epoch ends the search.
type Recorder interface {
	Step(Progress)
	Epoch(Epoch) error
}
