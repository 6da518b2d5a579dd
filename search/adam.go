package search

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
)

// Adam is the optimiser of the architecture parameters (Kingma & Ba 2015) with PyTorch's
// conventions: weight decay is an L2 term in the gradient, epsilon is added after the bias
// correction of the second moment.
type Adam struct {
	Rate, Beta1, Beta2, Epsilon, WeightDecay float64

	State AdamState
}

// AdamState is what Adam remembers between steps: the two moment vectors and the step count.
type AdamState struct {
	M, V []float64
	Step int
}

// PaperAdam returns the paper's settings (search/README.md, Search).
func PaperAdam(n int) *Adam {
	return &Adam{Rate: 6e-4, Beta1: .5, Beta2: .999, Epsilon: 1e-8, WeightDecay: 1e-3,
		State: AdamState{M: make([]float64, n), V: make([]float64, n)}}
}

// Restore takes over what an Adam for as many parameters remembered.
func (a *Adam) Restore(s AdamState) error {
	if len(s.M) != len(a.State.M) || len(s.V) != len(a.State.V) || s.Step < 0 {
		return fmt.Errorf("adam: the saved moments have %d and %d numbers, there are %d parameters",
			len(s.M), len(s.V), len(a.State.M))
	}
	copy(a.State.M, s.M)
	copy(a.State.V, s.V)
	a.State.Step = s.Step
	return nil
}

// Update moves the parameters x one step against the gradient. The gradient is overwritten.
func (a *Adam) Update(x, grad []float64) {
	s := &a.State
	s.Step++
	floats.AddScaled(grad, a.WeightDecay, x)
	floats.Scale(a.Beta1, s.M)
	floats.AddScaled(s.M, 1-a.Beta1, grad)
	floats.Mul(grad, grad)
	floats.Scale(a.Beta2, s.V)
	floats.AddScaled(s.V, 1-a.Beta2, grad)
	rate := a.Rate / (1 - math.Pow(a.Beta1, float64(s.Step)))
	correct := math.Sqrt(1 - math.Pow(a.Beta2, float64(s.Step)))
	for i, m := range s.M {
		x[i] -= rate * m / (math.Sqrt(s.V[i])/correct + a.Epsilon)
	}
}
