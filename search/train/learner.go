package train

import (
	"fmt"

	"zos-ort/graphgen"
	"zos-ort/models/ranks"
	"zos-ort/ort/program"
)

// LearnerPrograms are the graphs that train the weights: Step, or with several ranks Gradient and Update.
type LearnerPrograms struct{ Step, Gradient, Update *graphgen.Program }

// EmitLearner builds the programs for a number of ranks.
func EmitLearner(s graphgen.Spec, size int) (p LearnerPrograms, err error) {
	if size == 1 {
		p.Step, err = s.WeightStep()
		return p, err
	}
	if p.Gradient, err = s.WeightGradient(); err == nil {
		p.Update, err = s.WeightUpdate()
	}
	return p, err
}

// Shape is the layout of the state.
func (p LearnerPrograms) Shape() program.Shape {
	first := p.Step
	if first == nil {
		first = p.Gradient
	}
	return program.Shape{Weights: first.Weights, Stats: first.Stats}
}

// Learner trains the weights of a net on batches. Ranks that learn together average the gradients of their batches
// and make the same step, so that their weights stay equal bit by bit. Batch norms take the statistics of a rank's
// own batch; the running statistics are averaged.
//
// The embedded runner takes the batch. The fields here hide its own, for they may belong to the second program.
type Learner struct {
	*program.Runner
	Rate, Keep     []float32
	Norm           []float32
	WeightGradient []float32 // before clipping, of all ranks; nil in a step of one program that does not return it

	net     *program.Net
	group   ranks.Group
	update  *program.Runner // nil alone
	figures [2]float64      // loss and correct
	stats   []float32       // means and variances
}

// OpenLearner opens the programs.
func OpenLearner(n *program.Net, p LearnerPrograms, g ranks.Group) (*Learner, error) {
	l := &Learner{net: n, group: ranks.Of(g)}
	var err error
	if p.Step != nil {
		l.Runner, err = n.OpenWeightStep(p.Step)
		if err != nil {
			return nil, err
		}
		l.use(l.Runner)
		return l, nil
	}
	if l.Runner, err = n.OpenWeightGradient(p.Gradient); err != nil {
		return nil, err
	}
	if l.update, err = n.OpenWeightUpdate(p.Update); err != nil {
		l.Runner.Close()
		return nil, err
	}
	l.use(l.update)
	l.stats = make([]float32, 2*n.Shape.Stats.Len())
	return l, nil
}

// use takes over the buffers of the program that updates the weights.
func (l *Learner) use(r *program.Runner) {
	l.Rate, l.Keep, l.Norm, l.WeightGradient = r.Rate, r.Keep, r.Norm, r.WeightGradient
}

// Loss is that of the last step, the mean over the ranks.
func (l *Learner) Loss() float64 {
	if l.update == nil {
		return float64(l.Runner.Loss[0])
	}
	return l.figures[0] / float64(l.group.Size())
}

// Correct counts the images of all ranks whose top class was the label.
func (l *Learner) Correct() int {
	if l.update == nil {
		return int(l.Runner.Correct[0])
	}
	return int(l.figures[1])
}

// Run makes a step on the batch that was fed.
func (l *Learner) Run() error {
	if err := l.Runner.Run(); err != nil || l.update == nil {
		return err
	}
	copy(l.WeightGradient, l.Runner.WeightGradient)
	l.figures = [2]float64{float64(l.Runner.Loss[0]), float64(l.Runner.Correct[0])}
	if err := l.averageGradient(); err != nil {
		return err
	}
	if err := l.update.Run(); err != nil {
		return err
	}
	return l.averageStatistics()
}

// averageGradient makes the gradient and the figures of the batch those of all ranks.
func (l *Learner) averageGradient() error {
	if err := ranks.Mean32(l.group, l.WeightGradient); err != nil {
		return fmt.Errorf("gradients: %w", err)
	}
	if err := l.group.Sum64(l.figures[:]); err != nil {
		return fmt.Errorf("losses: %w", err)
	}
	return nil
}

// Exchange makes the sums over the ranks that a step makes, for whoever measures them. It leaves the state as it is.
func (l *Learner) Exchange() error {
	if l.update == nil {
		return nil
	}
	if err := l.averageGradient(); err != nil {
		return err
	}
	return ranks.Mean32(l.group, l.stats)
}

// averageStatistics makes the running statistics those of all ranks. They are linear in what the batches have, so it
// does not matter how often. After every step all of the state is equal on all ranks, and a checkpoint of one of them
// resumes all.
func (l *Learner) averageStatistics() error {
	n := len(l.stats) / 2
	if n == 0 {
		return nil
	}
	v := program.Vectors{Means: l.stats[:n], Variances: l.stats[n:]}
	if err := l.net.Get(v); err != nil {
		return err
	}
	if err := ranks.Mean32(l.group, l.stats); err != nil {
		return fmt.Errorf("running statistics: %w", err)
	}
	return l.net.Set(v)
}

// Close releases the sessions.
func (l *Learner) Close() {
	l.Runner.Close()
	if l.update != nil {
		l.update.Close()
	}
}
