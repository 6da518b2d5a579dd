package settings

import "github.com/urfave/cli/v2"

// What a genotype derives from.
const (
	DeriveAlphas       = "alphas"
	DerivePerturbation = "perturbation" // of the supernet, as in DARTS-PT
)

// derivation is the flag that says what the genotype derives from.
const derivation = "derive"

// Perturbs reports whether a perturbation of the trained supernet decides the genotype.
func (e Experiment) Perturbs() bool { return e.Search.Derive == DerivePerturbation }

// perEpoch reports whether settings look at the genotypes or the alphas of single epochs. With a perturbation, which
// decides after the last epoch, they mean nothing.
func (s Search) perEpoch() bool { return s.Select > 0 || s.Average > 1 || s.StopOnSkips > 0 }

// settleDerivation fits the perturbation of a preset, which nobody has asked for by name, to the rest of a command
// line: the alphas take its place beside settings that do not go with it, within a budget, which they meet by an exact
// choice where decisions one by one are greedy, and where no search runs.
func (r *Resolved) settleDerivation(c *cli.Context, s Source) {
	if c.IsSet(s.Prefix+derivation) || !r.Perturbs() {
		return
	}
	x := &r.Experiment.Search
	switch {
	case len(s.Options.Only(derivation)) == 0, !r.Technique().Searches(), x.perEpoch(), r.Budget != (Budget{}):
		x.Derive = DeriveAlphas
	case !c.IsSet(s.Prefix+"perturb-images") && x.PerturbImages > 0:
		x.PerturbImages = max(x.PerturbImages, x.Batch) // a decision looks at a batch at least
	}
}
