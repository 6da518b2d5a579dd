package train

import (
	"fmt"
	"math"

	"zos-ort/ort/program"
)

// Diverged is the end of a training whose learning rate is too high.
type Diverged struct {
	Stage string // search, retrain
	What  string // "the loss of a step is", "a weight has grown to"
	Epoch int
	Value float64
}

// Error says what diverged and when.
func (d *Diverged) Error() string {
	return fmt.Sprintf("%s: %s %v in epoch %d: lower the learning rate", d.Stage, d.What, d.Value,
		d.Epoch)
}

// Watch finds out whether a training has diverged.
type Watch struct {
	Stage string
	Net   *program.Net
	Epoch int
}

// Finite returns an error for a loss that is not a finite number; what names where it was computed.
func (w Watch) Finite(loss float64, what string) error {
	if !math.IsNaN(loss) && !math.IsInf(loss, 0) {
		return nil
	}
	return w.Explain(&Diverged{w.Stage, "the loss of " + what + " is", w.Epoch, loss})
}

// largeWeight is far above any weight of a network that learns; products of a few overflow.
const largeWeight = 1e6

// Explain replaces the error of a step on weights that have grown without bound: operators then
// fail each in its own way, MaxPoolGrad because there is no maximum among NaNs. It leaves other
// errors alone.
func (w Watch) Explain(err error) error {
	if err == nil {
		return nil
	}
	v, unread := w.Net.Vectors()
	if unread != nil {
		return err
	}
	for _, x := range v.Weights {
		if !(math.Abs(float64(x)) < largeWeight) {
			return &Diverged{w.Stage, "a weight has grown to", w.Epoch, float64(x)}
		}
	}
	return err
}
