package method

import "fmt"

// BetaForm says how the beta regulariser reaches the alphas.
type BetaForm string

// Forms of the beta regulariser lambda/14 sum_edges logsumexp(alpha).
const (
	// Coupled adds its gradient to that of the loss before Adam, as the code of beta-DARTS does
	// (optimizers/darts/architect.py there). Adam divides the sum by its own size, and from lambda of about
	// one on the regulariser is most of the sum: every alpha walks down at the full rate and the loss
	// decides little.
	Coupled BetaForm = "coupled"
	// Decoupled takes a gradient step of its own after Adam's, as AdamW does with weight decay (Loshchilov
	// and Hutter, ICLR 2019), and leaves the mean of a row where it is, which the softmax does not see.
	Decoupled BetaForm = "decoupled"
)

// ParseBetaForm reads the name of a form; the empty one is coupled.
func ParseBetaForm(s string) (BetaForm, error) {
	switch f := BetaForm(s); f {
	case Coupled, Decoupled:
		return f, nil
	case "":
		return Coupled, nil
	}
	return "", fmt.Errorf("unknown form %q: use %s or %s", s, Decoupled, Coupled)
}
