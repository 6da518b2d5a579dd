package settings

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/graphgen/pass"
	"zos-ort/models/method"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/models/stream"
	"zos-ort/models/supernet"
	"zos-ort/prune"
	"zos-ort/prune/proxy"
	"zos-ort/search/data"
)

// Stage is a part of a run whose programs share one state.
type Stage int

// Stages in their order.
const (
	StagePruning      Stage = iota // ranks the networks of a round
	StageSearch                    // trains the supernet and the alphas
	StageTraining                  // trains the derived network from scratch
	StageRankTraining              // trains the ranking network for a while, before the pruning
)

// emitters are the programs of each stage. Those of the pruning are what its rankers look at.
var emitters = [][]func(graphgen.Spec) (*graphgen.Program, error){
	StageSearch:       {graphgen.Spec.WeightStep, graphgen.Spec.AlphaStep, graphgen.Spec.Evaluate},
	StageTraining:     {graphgen.Spec.WeightStep, graphgen.Spec.Evaluate},
	StageRankTraining: {graphgen.Spec.WeightStep},
}

// halves are a weight step of several ranks.
var halves = []func(graphgen.Spec) (*graphgen.Program, error){graphgen.Spec.WeightGradient, graphgen.Spec.WeightUpdate}

// String names the stage for people.
func (s Stage) String() string {
	return [...]string{"pruning", "the search", "the training", "the training of the ranking network"}[s]
}

// BatchFlag is the flag that sets the batch of the stage.
func (s Stage) BatchFlag() string {
	return [...]string{"--prune-batch", "--batch", "--batch", "--batch"}[s]
}

// Batch is the number of images that a program of the stage takes.
func (e Experiment) Batch(s Stage) int { return *e.batch(s) }

// WholeBatch is the number of images in a step of all ranks.
func (e Experiment) WholeBatch(s Stage) int { return e.Batch(s) * e.RankCount() }

// WithBatch is the experiment with another batch in a stage.
func (e Experiment) WithBatch(s Stage, n int) Experiment {
	*e.batch(s) = n
	return e
}

func (e *Experiment) batch(s Stage) *int {
	return [...]*int{&e.Ranking.Batch, &e.Search.Batch, &e.Retraining.Batch, &e.Search.Batch}[s]
}

// RankingSessions is how many sessions rank side by side. One single-threaded session per core uses the
// cores better than one session with threads, because the operations are small. More sessions than
// cores would each take memory and be opened for nothing; on a GPU sessions would only wait for each other.
func (e Experiment) RankingSessions() int {
	if e.Device.GPU {
		return 1
	}
	return min(e.Device.Threads, host.Processors())
}

// MaskStream draws the mask i of the seed.
func (e Experiment) MaskStream(i int) *rand.Rand { return stream.New(e.Seed, stream.Mask, uint64(i)) }

// Searches reports whether the run trains a supernet.
func (e Experiment) Searches() bool { return e.Command != "prune" && e.Technique().Searches() }

// Stages are the stages of the run in their order.
func (e Experiment) Stages() (list []Stage) {
	if e.Method == "" {
		return []Stage{StageTraining}
	}
	if e.Prunes() && e.Ranking.Epochs > 0 {
		list = append(list, StageRankTraining)
	}
	if e.Prunes() {
		list = append(list, StagePruning)
	}
	if e.Searches() {
		list = append(list, StageSearch)
	}
	return list
}

// Supernet is the network of the search under a mask.
func (e Experiment) Supernet(mask space.Mask) supernet.Config {
	return supernet.Config{Channels: e.Network.Channels, Cells: e.Network.Cells,
		Classes: e.Images.Classes, Mask: mask, Partial: e.Network.Partial}
}

// RankingNet is the network that pruning ranks: the supernet of the search, unless flags make it another
// one.
func (e Experiment) RankingNet(mask space.Mask) supernet.Config {
	net := e.Supernet(mask)
	net.Channels, net.Cells, net.Partial = e.Ranking.Channels, e.Ranking.Cells, e.Ranking.Partial
	net.Classes = e.RankOutputs()
	return net
}

// manyOutputs estimate the kernel well.
const manyOutputs = 64

// RankOutputs are the outputs of a network that is ranked. Two classes are too few for a correlation, which is 1 or
// -1 then, whatever the network is; more outputs take their place.
func (e Experiment) RankOutputs() int {
	switch r := e.Ranking; {
	case r.Outputs > 0:
		return r.Outputs
	case r.Kernel != string(prune.Gram) && e.Images.Classes < prune.LeastCorrelated && (r.Epochs == 0 || e.ranksBy("nngp")):
		return manyOutputs
	}
	return e.Images.Classes
}

// Derived is the network of the retraining.
func (e Experiment) Derived() network.Config {
	r := e.Retraining
	return network.Config{Genotype: r.Genotype, Channels: r.Channels, Cells: r.Cells,
		Classes: e.Images.Classes, Auxiliary: r.Auxiliary}.WithDropPath(r.DropPath)
}

// TrainingAugment is the augmentation of the retraining.
func (e Experiment) TrainingAugment() data.Augment {
	return data.Augment{Pad: e.Retraining.Pad, Flip: true, Cutout: e.Retraining.Cutout}
}

// Spec describes the programs of a stage under a mask, lowered for the device. The training of a derived
// network knows no mask.
func (e Experiment) Spec(s Stage, mask space.Mask) (spec graphgen.Spec, err error) {
	l, err := e.Lowering()
	if err != nil {
		return spec, err
	}
	batch, image := e.Batch(s), e.Images.Size
	switch s {
	case StagePruning:
		l.Recompute = pass.RecomputeOff // there is no backward pass
		spec = e.RankingNet(mask).Spec(batch, image, l)
	case StageRankTraining:
		spec = e.RankingNet(mask).Spec(batch, image, l)
	case StageSearch:
		spec = e.Supernet(mask).Spec(batch, image, l)
		spec.Freeze = e.Search.FreezeBelow > 0
	case StageTraining:
		spec = e.Derived().Spec(batch, image, l)
	}
	return spec, nil
}

// Programs are the programs of a stage under a mask, lowered for the device: what a run opens, what the
// planner plans, what bench times and profile profiles.
func (e Experiment) Programs(s Stage, mask space.Mask) (list []*graphgen.Program, err error) {
	spec, err := e.Spec(s, mask)
	if err == nil {
		spec, err = spec.Learn()
	}
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	for _, emit := range e.emitters(s) {
		p, err := emit(spec)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

func (e Experiment) emitters(s Stage) []func(graphgen.Spec) (*graphgen.Program, error) {
	if s != StagePruning {
		list := slices.Clone(emitters[s])
		if e.RankCount() > 1 && s != StageRankTraining { // the first program trains the weights, with several ranks in two halves
			list = slices.Concat(halves, list[1:])
		}
		if s == StageSearch && e.Perturbs() {
			list = append(list, graphgen.Spec.Rank)
		}
		return list
	}
	list, _ := e.Rankers()
	var emit []func(graphgen.Spec) (*graphgen.Program, error)
	for _, l := range proxy.Looks(list) {
		emit = append(emit, l.Emit)
	}
	return emit
}

// LikelyMask is the mask of the run where it is known beforehand: a file's, a random method's, the whole
// space. Of Algorithm 1 it is a random mask that keeps as many operations on every edge as the pruning
// will.
func (e Experiment) LikelyMask() (space.Mask, error) { return e.LikelyMaskAt(0) }

// LikelyMaskAt is one of several likely masks, where they are random.
func (e Experiment) LikelyMaskAt(i int) (space.Mask, error) {
	m := e.Technique()
	switch {
	case e.Ranking.MaskFile != "":
		return e.ReadMask(e.Ranking.MaskFile)
	case m.Mask == method.RandomMask:
		mask, _, err := e.DrawMask(i)
		return mask, err
	case m.Mask == method.Algorithm1:
		plan, err := prune.Plan(e.Pruning(), e.Space.Of().FullMask())
		if err != nil {
			return space.Mask{}, err
		}
		return e.sameSize(plan.Mask, e.MaskStream(i)), nil
	}
	return e.Space.Of().FullMask(), nil
}

// ReadMask reads a mask of the experiment's space.
func (e Experiment) ReadMask(path string) (space.Mask, error) {
	m, err := space.ReadMask(path)
	if own := e.Space.Of(); err == nil && m.Space() != own {
		err = terminal.Usagef("%s: the mask is of the space %s, the search of %s (--space)", path, m.Space().Name(), own.Name())
	}
	return m, err
}

// sameSize draws as many operations on every edge as the plan keeps there, from those that pruning
// chooses among.
func (e Experiment) sameSize(plan space.Mask, rng *rand.Rand) (mask space.Mask) {
	from := e.RankedSpace()
	mask = e.Space.Of().EmptyMask()
	for t, edge := range plan.Places() {
		list := from.Primitives(t, edge)
		rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		keep := list[:plan.At(t, edge).Len()]
		if len(keep) == 1 && keep[0] == space.None { // no network has such an edge alone
			keep = list[1:2]
		}
		mask.Put(t, edge, space.SetOf(keep...))
	}
	return mask
}

// HeavyMask is the likely mask, or where Algorithm 1 prunes the one of its size with the operations of the most weights
// on every edge. That is what Algorithm 1 keeps (cmd/zos-ort/doc/quality.md), and what takes the most time.
func (e Experiment) HeavyMask() (space.Mask, error) {
	likely, err := e.LikelyMask()
	if err != nil || e.Ranking.MaskFile != "" || e.Technique().Mask != method.Algorithm1 {
		return likely, err
	}
	from, heavy := e.RankedSpace(), likely
	for t, edge := range likely.Places() {
		list := from.Primitives(t, edge)
		slices.SortStableFunc(list, func(a, b space.Primitive) int {
			return space.OperationParams(b, e.Network.Channels, 1) - space.OperationParams(a, e.Network.Channels, 1)
		})
		heavy.Put(t, edge, space.SetOf(list[:likely.At(t, edge).Len()]...))
	}
	return heavy, nil
}
