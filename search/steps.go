package search

import (
	"errors"
	"fmt"

	"zos-ort/graphgen"
	"zos-ort/models/budget"
	"zos-ort/models/method"
	"zos-ort/models/ranks"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/search/train"
)

// Steps is a supernet in the runtime with its architecture parameters: the state, and the programs
// that the bilevel search runs on it.
type Steps struct {
	Alphas *space.Alphas
	Adam   *Adam
	Form   method.BetaForm // of the beta regulariser
	// Limits draw the alphas with the weights Prices.
	Limits budget.Limits
	Prices budget.Prices
	// Kept are the operations among which a selection by perturbation has not decided, and those that it has
	// chosen: at first all of the mask.
	Kept       space.Mask
	Net        *program.Net
	group      ranks.Group
	weight     *train.Learner
	alpha      *program.Runner
	eval       *program.Runner
	batch      *program.Runner // logits with the statistics of the batch; nil unless a perturbation decides
	freezer    *freezer        // nil if no operation freezes
	grad       *space.Alphas
	candidates [2][]space.Candidate
	live       [2][]int  // positions in Alphas.Flat of the operations that the programs know
	mix        []float64 // scratch
	outcomes   [2]float64
}

// Programs are the graphs of a search. With several ranks Gradient and Update take the place of Weight. Batch is nil
// unless a perturbation decides.
type Programs struct{ Weight, Gradient, Update, Alpha, Eval, Batch *graphgen.Program }

// learner are the programs that train the weights.
func (p Programs) learner() train.LearnerPrograms {
	return train.LearnerPrograms{Step: p.Weight, Gradient: p.Gradient, Update: p.Update}
}

// emit builds the programs of a search.
func (c Config) emit(image int) (p Programs, err error) {
	spec := c.Spec(image)
	if p, err = emit(spec, c.ranks()); err == nil && c.Perturb != nil {
		p.Batch, err = spec.Rank()
	}
	return p, err
}

// Emit builds the programs of a supernet for a process alone.
func Emit(s graphgen.Spec) (p Programs, err error) { return emit(s, 1) }

func emit(s graphgen.Spec, size int) (p Programs, err error) {
	if s, err = s.Learn(); err != nil {
		return p, fmt.Errorf("network: %w", err)
	}
	learner, err := train.EmitLearner(s, size)
	if err != nil {
		return p, err
	}
	p.Weight, p.Gradient, p.Update = learner.Step, learner.Gradient, learner.Update
	if p.Alpha, err = s.AlphaStep(); err != nil {
		return p, err
	}
	p.Eval, err = s.Evaluate()
	return p, err
}

// Shape is the layout of the state that the programs share.
func (p Programs) Shape() program.Shape { return p.learner().Shape() }

// Open creates the state and the sessions. A nil weight vector starts at zero; alphas are used as
// they are. Programs that are nil are left out.
func Open(p Programs, v program.Vectors, alphas *space.Alphas, o ort.Options) (*Steps, error) {
	return open(p, v, alphas, o, nil)
}

// open is Open for one of several ranks.
func open(p Programs, v program.Vectors, alphas *space.Alphas, o ort.Options, g ranks.Group) (*Steps, error) {
	net, err := program.NewNet(p.Shape(), v, o)
	if err != nil {
		return nil, err
	}
	s := &Steps{Alphas: alphas, Adam: PaperAdam(alphas.Len()), Net: net, grad: alphas.Like(),
		Kept: alphas.Mask(), group: ranks.Of(g)}
	for _, t := range alphas.Mask().Space().CellTypes() {
		s.candidates[t] = alphas.Mask().Candidates(t)
		for i, c := range s.candidates[t] {
			if c.Op != space.None {
				s.live[t] = append(s.live[t], i)
			}
		}
	}
	if err := s.openAll(p); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// openAll opens the programs that are there.
func (s *Steps) openAll(p Programs) (err error) {
	if p.Weight != nil || p.Gradient != nil {
		if s.weight, err = train.OpenLearner(s.Net, p.learner(), s.group); err != nil {
			return err
		}
		if err := s.fits(s.weight.Runner); err != nil {
			return err
		}
	}
	for _, x := range []struct {
		p    *graphgen.Program
		open func(*graphgen.Program) (*program.Runner, error)
		r    **program.Runner
	}{{p.Alpha, s.Net.OpenAlphaStep, &s.alpha}, {p.Eval, s.Net.OpenForward, &s.eval}, {p.Batch, s.Net.OpenForward, &s.batch}} {
		if x.p == nil {
			continue
		}
		if *x.r, err = x.open(x.p); err != nil {
			return err
		}
		if err := s.fits(*x.r); err != nil {
			return err
		}
	}
	return nil
}

// fits refuses a program whose mixing weights are those of another mask than the alphas.
func (s *Steps) fits(r *program.Runner) error {
	for _, t := range s.cellTypes() {
		weights := r.Mix(supernet.OperationMix(t)).Weights
		if weights != nil && len(weights) != len(s.live[t]) {
			return fmt.Errorf("search: %s mixes %d operations of the %v cell, the alphas have %d",
				r.Program.Name, len(weights), t, len(s.live[t]))
		}
	}
	return nil
}

// cellTypes are the kinds of cells of the space.
func (s *Steps) cellTypes() []space.CellType { return s.Alphas.Mask().Space().CellTypes() }

// Close releases the sessions and the state.
func (s *Steps) Close() {
	if s.weight != nil {
		s.weight.Close()
	}
	for _, r := range []*program.Runner{s.alpha, s.eval, s.batch} {
		if r != nil {
			r.Close()
		}
	}
	s.Net.Close()
}

// Outcome is what a step reports, of all ranks.
type Outcome struct {
	Loss    float64 // without regulariser
	Correct int
	Norm    float64 // global gradient norm before clipping; weight steps only
}

// errUnopened is that of a step whose program was left out.
var errUnopened = errors.New("search: the program was not opened")

// WeightStep makes one step of SGD on a batch.
func (s *Steps) WeightStep(images []float32, labels []int64, rate float64) (Outcome, error) {
	w := s.weight
	if w == nil {
		return Outcome{}, errUnopened
	}
	w.Rate[0] = float32(rate)
	if err := s.feed(w.Runner, images, labels); err != nil {
		return Outcome{}, err
	}
	if err := w.Run(); err != nil {
		return Outcome{}, err
	}
	return Outcome{Loss: w.Loss(), Correct: w.Correct(), Norm: float64(w.Norm[0])}, nil
}

// AlphaStep makes one step of Adam on the architecture parameters with the gradient of the loss of
// a batch and, for lambda above zero, the beta regulariser in the gradient or as a step of its own.
func (s *Steps) AlphaStep(images []float32, labels []int64, lambda float64) (Outcome, error) {
	decay := 0.
	if s.Form == method.Decoupled {
		decay, lambda = lambda, 0
	}
	if err := s.Gradient(images, labels, lambda); err != nil {
		return Outcome{}, err
	}
	s.Adam.Update(s.Alphas.Vector(), s.grad.Vector())
	if decay > 0 {
		s.Alphas.DecayBeta(s.Adam.Rate * decay)
	}
	return Outcome{Loss: s.outcomes[0], Correct: int(s.outcomes[1])}, nil
}

// Gradient computes the gradient of the loss of a batch, plus the regulariser, with respect to the
// architecture parameters. See LastGradient.
func (s *Steps) Gradient(images []float32, labels []int64, lambda float64) error {
	if err := s.run(s.alpha, images, labels); err != nil {
		return err
	}
	clear(s.grad.Vector())
	for _, t := range s.cellTypes() {
		if err := s.backward(t); err != nil {
			return err
		}
	}
	if err := s.average(); err != nil {
		return err
	}
	if err := s.Limits.AddGradient(s.grad, s.Alphas, s.Prices); err != nil {
		return err
	}
	if lambda > 0 {
		if _, err := s.Alphas.AddBetaRegularizer(s.grad, lambda); err != nil {
			return err
		}
	}
	return nil
}

// average makes the gradient of a batch, its loss and the number of its correct images those of all ranks.
func (s *Steps) average() error {
	s.outcomes = [2]float64{float64(s.alpha.Loss[0]), float64(s.alpha.Correct[0])}
	if s.group.Size() == 1 {
		return nil
	}
	if s.freezer != nil {
		if err := ranks.Mean32(s.group, s.alpha.WeightGradient); err != nil {
			return err
		}
	}
	if err := s.group.Sum64(s.outcomes[:]); err != nil {
		return err
	}
	s.outcomes[0] /= float64(s.group.Size())
	return ranks.Mean64(s.group, s.grad.Vector())
}

// LastGradient is the gradient that Gradient computed last, in the layout of the alphas.
func (s *Steps) LastGradient() *space.Alphas { return s.grad }

// backward takes the gradients of the mixing weights through the softmaxes. "none" contributes
// zeros: its output is zero whatever its weight.
func (s *Steps) backward(t space.CellType) error {
	if g := s.alpha.Mix(supernet.OperationMix(t)).Gradient; g != nil {
		dw, list := s.scratch(len(s.Alphas.Flat(t))), s.candidates[t]
		clear(dw)
		for j, d := range g {
			if i := s.live[t][j]; !s.decided(t, list[i].Edge) {
				dw[i] = float64(d)
			}
		}
		if err := s.Alphas.MixBackward(s.grad, t, dw); err != nil {
			return err
		}
	}
	g := s.alpha.Mix(supernet.EdgeMix(t)).Gradient
	if g == nil {
		return nil
	}
	dw := s.scratch(len(g))
	for i, d := range g {
		if dw[i] = float64(d); s.Kept.At(t, i).Empty() {
			dw[i] = 0
		}
	}
	return s.Alphas.EdgeBackward(s.grad, t, dw)
}

// scratch is a buffer of n numbers that the next call may overwrite.
func (s *Steps) scratch(n int) []float64 {
	if cap(s.mix) < n {
		s.mix = make([]float64, n)
	}
	return s.mix[:n]
}

// Evaluate returns the logits [batch,classes] with the running statistics. The buffer is valid
// until the next call.
func (s *Steps) Evaluate(images []float32) ([]float32, error) {
	if err := s.run(s.eval, images, nil); err != nil {
		return nil, err
	}
	return s.eval.Logits, nil
}

func (s *Steps) run(r *program.Runner, images []float32, labels []int64) error {
	if r == nil {
		return errUnopened
	}
	if err := s.feed(r, images, labels); err != nil {
		return err
	}
	return r.Run()
}

// feed sets all inputs of a program but those of the optimiser.
func (s *Steps) feed(r *program.Runner, images []float32, labels []int64) error {
	if err := r.Feed(images, labels); err != nil {
		return err
	}
	for _, t := range s.cellTypes() {
		s.feedMix(r, t)
	}
	return nil
}

// feedMix writes the softmaxed architecture parameters into a program's inputs.
func (s *Steps) feedMix(r *program.Runner, t space.CellType) {
	if dst := r.Mix(supernet.OperationMix(t)).Weights; dst != nil {
		w := s.Alphas.MixWeights(s.scratch(len(s.Alphas.Flat(t))), t)
		s.project(w, t)
		for j, i := range s.live[t] {
			dst[j] = float32(w[i])
		}
	}
	if dst := r.Mix(supernet.EdgeMix(t)).Weights; dst != nil {
		for i, w := range s.Alphas.EdgeWeights(s.scratch(len(dst)), t) {
			if dst[i] = float32(w); s.Kept.At(t, i).Empty() {
				dst[i] = 0
			}
		}
	}
}
