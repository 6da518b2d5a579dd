package search

import (
	"fmt"
	"math"

	"zos-ort/ort/program"
)

// Watch explains the end of a training whose learning rate is too high.
type Watch struct {
	Stage string // what its errors begin with: search, retrain
	Net   *program.Net
	Epoch int
}

// Finite returns an error for a loss that is not a finite number; what names where it was computed.
func (w Watch) Finite(loss float64, what string) error {
	if !math.IsNaN(loss) && !math.IsInf(loss, 0) {
		return nil
	}
	return w.Explain(fmt.Errorf("%s: the loss of %s in epoch %d is %v: lower the learning rate (--lr)",
		w.Stage, what, w.Epoch, loss))
}

// largeWeight is far above any weight of a network that learns; products of a few overflow.
const largeWeight = 1e6

// Explain replaces the error of a step on weights that have grown without bound: operators then fail
// each in its own way, MaxPoolGrad because there is no maximum among NaNs. Other errors stay.
func (w Watch) Explain(err error) error {
	v, unread := w.Net.Vectors()
	if err == nil || unread != nil {
		return err
	}
	for _, x := range v.Weights {
		if !(math.Abs(float64(x)) < largeWeight) {
			return fmt.Errorf("%s: a weight has grown to %v in epoch %d: lower the learning rate (--lr)",
				w.Stage, x, w.Epoch)
		}
	}
	return err
}
