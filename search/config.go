// Package search is the one-shot half of the method: the bilevel search of DARTS on the operations
// that pruning has left, with partial channels and beta regularisation.
package search

import (
	"errors"
	"fmt"
	"math"

	"zos-ort/graphgen"
	"zos-ort/graphgen/pass"
	"zos-ort/models/budget"
	"zos-ort/models/method"
	"zos-ort/models/ranks"
	"zos-ort/models/space"
	"zos-ort/models/stream"
	"zos-ort/models/supernet"
	"zos-ort/ort"
	"zos-ort/search/data"
)

// Config holds the settings of a search (search/README.md, Search).
type Config struct {
	Net    supernet.Config // classes and mask included
	Batch  int             // of a rank
	Epochs int
	Warmup int     // epochs before the first alpha step
	Rate   float64 // learning rate of the weights at the start; cosine to 0
	Alpha  float64 // learning rate of the architecture parameters; 0: see AlphaRate
	Beta   float64 // beta regulariser: lambda(e) = Beta * e; 0 is off
	// Form of the beta regulariser; the empty one is coupled.
	Form    method.BetaForm
	Augment data.Augment
	// StopOnSkips ends the search after the epoch in which the genotype of either cell has so many
	// skip connections; the epoch before gives the result. 0 is off.
	StopOnSkips int
	// Average derives the genotype from the mean of the alphas after the last Average epochs; 0 and 1 take the
	// last alphas.
	Average int
	// Perturb derives the genotype by perturbation of the supernet instead of from the alphas.
	Perturb *Perturb
	// Limits hold for the genotype and, as a term of the gradient, draw the alphas towards it.
	Limits budget.Limits
	// FreezeBelow stops the training of operations that overfit, see freezer; 0 is off.
	FreezeBelow float64
	Valid       int // images of the validation half used for the accuracy after an epoch; 0 is all
	Seed        uint64
	Options     ort.Options
	// Ranks search together; nil is a process alone. N of them with the batch B follow one with the batch N B, up to
	// batch norms, which take the statistics of B images.
	Ranks ranks.Group
	// Lowering says for which runtime the programs are made. It changes time and memory; on the CPU the
	// numbers are the same but for rounding.
	Lowering pass.Lowering
}

// Validate checks the settings.
func (c Config) Validate() error {
	switch {
	case c.Epochs < 1 || c.Warmup < 0:
		return fmt.Errorf("search: needs at least one epoch and no negative warm-up, got %d and %d",
			c.Epochs, c.Warmup)
	case c.Batch < 2:
		return fmt.Errorf("search: batch norm needs a batch of at least 2, got %d", c.Batch)
	case !(c.Rate > 0) || !(c.Alpha >= 0) || math.IsInf(c.Rate+c.Alpha, 0):
		return fmt.Errorf("search: learning rates must be positive, got %v and %v; 0 chooses that of the alphas",
			c.Rate, c.Alpha)
	case c.StopOnSkips < 0 || c.StopOnSkips > c.Net.Mask.Space().Genes():
		return fmt.Errorf("search: a cell has 1 to %d skip connections to stop on (0 is off), not %d",
			c.Net.Mask.Space().Genes(), c.StopOnSkips)
	case c.Average < 0:
		return fmt.Errorf("search: the alphas of at least one epoch are averaged, got %d", c.Average)
	case !(c.FreezeBelow >= 0 && c.FreezeBelow < 1):
		return fmt.Errorf("search: the cosine below which operations freeze lies between 0 (off) and 1, got %v",
			c.FreezeBelow)
	case c.Perturb != nil && (c.StopOnSkips > 0 || c.Average > 1):
		return errors.New("search: a selection by perturbation goes with neither a stop on skip connections nor " +
			"an average of alphas")
	case !(c.Beta >= 0):
		return fmt.Errorf("search: the weight of the beta regulariser must not be negative, got %v", c.Beta)
	}
	if _, err := method.ParseBetaForm(string(c.Form)); err != nil {
		return fmt.Errorf("search: beta regulariser: %w", err)
	}
	if err := c.Net.Mask.Validate(); err != nil {
		return err
	}
	if err := c.Limits.Check(c.Net.Mask); err != nil {
		return fmt.Errorf("search: %w", err)
	}
	if err := c.Perturb.validate(); err != nil {
		return err
	}
	return c.Net.Validate()
}

// Spec describes the programs for images of the given side.
func (c Config) Spec(image int) graphgen.Spec {
	s := c.Net.Spec(c.Batch, image, c.Lowering)
	s.Freeze = c.FreezeBelow > 0
	return s
}

// InitialWeights draws the weights of a seed in the given layout, as PyTorch initialises them.
func (c Config) InitialWeights(l graphgen.Layout) []float32 {
	return l.Initialize(stream.New(c.Seed, stream.Weights, 0))
}

// InitialAlphas draws the architecture parameters of a seed: 1e-3 N(0,1).
func (c Config) InitialAlphas() *space.Alphas {
	a := space.NewAlphas(c.Net.Mask, c.Net.Partial > 1)
	a.Init(stream.New(c.Seed, stream.Alphas, 0))
	return a
}

// The learning rate of the alphas in a search of n steps is paperAlphaRate (paperAlphaSteps / n)^(3/2), at
// most maxAlphaRate. With the paper's 35 epochs of 195 steps it is the paper's rate. A shorter search needs
// more than the same path, rate times n: its weights are trained less, and fewer steps average the noise of
// batches out less. The power is the one with which mixing weights of searches of 250 to 400 steps leave
// their start (cmd/zos-ort/doc/quality.md).
const (
	paperAlphaRate  = 6e-4
	paperAlphaSteps = 35 * 195
	maxAlphaRate    = .1
)

// AlphaSteps is the number of alpha steps of a search on so many images, half of which train the weights.
func (c Config) AlphaSteps(images int) int {
	w, _ := data.Split(images, c.Seed)
	return max(0, c.Epochs-c.Warmup) * (len(w) / c.whole())
}

// ranks is their number.
func (c Config) ranks() int { return ranks.Of(c.Ranks).Size() }

// whole is the number of images in a batch of all ranks.
func (c Config) whole() int { return c.Batch * c.ranks() }

// AlphaRate is the learning rate of the architecture parameters in a search on so many images: the given
// one, or the one that follows from the number of steps.
func (c Config) AlphaRate(images int) float64 {
	if n := c.AlphaSteps(images); c.Alpha == 0 && n > 0 {
		return min(maxAlphaRate, paperAlphaRate*math.Pow(paperAlphaSteps/float64(n), 1.5))
	}
	return c.Alpha
}
