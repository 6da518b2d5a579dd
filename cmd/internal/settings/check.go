package settings

import (
	"fmt"
	"math"
	"slices"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/prune"
	"zos-ort/prune/proxy"
)

// Check refuses, before anything is read, what no run could do. Its errors are mistakes on the command
// line.
func (e Experiment) Check() error {
	if err := e.checkNumbers(); err != nil {
		return err
	}
	if err := e.checkDevice(); err != nil {
		return err
	}
	if e.Execution.Profile && e.Device.Name != CPU {
		return terminal.Usagef("--profile is for --device cpu")
	}
	if _, err := e.Lowering(); err != nil {
		return terminal.Usage(err)
	}
	if e.Method == "" {
		if err := e.checkRetraining(); err != nil {
			return err
		}
		return e.checkSigns()
	}
	if _, err := e.Limits(); err != nil {
		return err
	}
	for _, check := range []func() error{e.checkPruning, e.checkNetworks, e.checkSearch, e.checkSigns} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// CheckPlanned refuses what no supernet can be planned of. The images are not read, so their size is a
// setting like any other.
func (e Experiment) CheckPlanned() error {
	if e.Images.Size < 4 || e.Images.Size%4 != 0 {
		return terminal.Usagef("--image-size must be a multiple of 4, got %d", e.Images.Size)
	}
	return e.Check()
}

func (e Experiment) checkPruning() error {
	r := e.Ranking
	if e.Command == "prune" && e.Technique().Mask == method.NoMask {
		return terminal.Usagef("method %s does not prune", e.Method)
	}
	if !(r.Xi > 0 && r.Xi < 1) {
		return terminal.Usagef("--xi is the fraction of the search space to keep and must lie between 0 and 1, "+
			"got %v", r.Xi)
	}
	if _, err := prune.ParseShard(e.Execution.Shard); err != nil {
		return terminal.Usagef("--shard: %w", err)
	}
	if e.Execution.Shard != "" && !e.Prunes() {
		return terminal.Usagef("--shard divides a ranking, and method %s ranks nothing", e.Method)
	}
	if err := e.Pruning().Validate(); err != nil {
		return terminal.Usage(err)
	}
	if least := e.leastXi(); e.Technique().Mask == method.Algorithm1 && r.Xi < least {
		return terminal.Usagef("--xi %v cannot be reached: with one operation left on every edge %.3g of the "+
			"%s remain", r.Xi, least, r.Measure)
	}
	if err := e.checkKept(); err != nil {
		return err
	}
	if r.Batch < 1 || r.Batches < 1 {
		return terminal.Usagef("--prune-batch and --prune-batches must be at least 1, got %d and %d",
			r.Batch, r.Batches)
	}
	if _, err := prune.ParseKernel(r.Kernel); err != nil {
		return terminal.Usage(err)
	}
	list, _, err := proxy.ParseWeighted(r.Rankers)
	if err != nil {
		return terminal.Usagef("--rankers: %w", err)
	}
	if err := e.checkRankTraining(); err != nil {
		return err
	}
	if r.Batches < 2 && slices.ContainsFunc(list, func(p proxy.Proxy) bool { return p.Name == "zico" }) {
		return terminal.Usagef("ranker zico needs --prune-batches 2 or more, got %d", r.Batches)
	}
	if r.Combine != "" && r.Combine != CombineChange && r.Combine != CombineRank {
		return terminal.Usagef("unknown --combine %q: use %s or %s", r.Combine, CombineChange, CombineRank)
	}
	if r.Outputs < 0 || r.Outputs == 1 {
		return terminal.Usagef("--rank-outputs must be at least 2 (0: one a class), got %d", r.Outputs)
	}
	correlates := r.Kernel == string(prune.Correlation) &&
		slices.ContainsFunc(list, func(p proxy.Proxy) bool { return p.Name == "nngp" })
	if correlates && r.Outputs > 0 && r.Outputs < prune.LeastCorrelated {
		return terminal.Usagef("--rank-outputs %d: two outputs correlate to 1 or -1 in every network: use %d or more, or "+
			"--kernel %s", r.Outputs, prune.LeastCorrelated, prune.Gram)
	}
	if r.Ties != TiesFirst && r.Ties != TiesLast {
		return terminal.Usagef("unknown --ties %q: use %s or %s", r.Ties, TiesFirst, TiesLast)
	}
	return nil
}

// leastXi is what remains of the space when every edge has one operation left.
func (e Experiment) leastXi() float64 {
	full := e.Space.Of().FullMask()
	if prune.Measure(e.Ranking.Measure) == prune.Architectures {
		return math.Exp(-full.LogArchitectures())
	}
	return float64(e.Space.Of().Edges()*len(e.Space.Of().CellTypes())) / float64(full.Count())
}

// checkNetworks uses two classes, because the data set is not known yet.
func (e Experiment) checkNetworks() error {
	e.Images.Classes = 2
	if err := e.RankingNet(e.Space.Of().FullMask()).Validate(); err != nil {
		return terminal.Usagef("ranking network: %w", err)
	}
	if err := e.Supernet(e.Space.Of().FullMask()).Validate(); err != nil {
		return terminal.Usage(err)
	}
	if e.Export.Channels < 2 || e.Export.Channels%2 != 0 {
		return terminal.Usagef("--network-channels must be even and at least 2, got %d", e.Export.Channels)
	}
	if e.Export.Cells < 3 { // both of two cells are reduction cells: there is no normal cell to export
		return terminal.Usagef("--network-cells must be at least 3, got %d", e.Export.Cells)
	}
	return nil
}

// mostRivals are so many random architectures that nobody wants to train them.
const mostRivals = 1000

func (e Experiment) checkSearch() error {
	s, genes := e.Search, e.Space.Of().Genes()
	if _, err := method.ParseBetaForm(s.BetaForm); err != nil {
		return terminal.Usagef("--beta-form: %w", err)
	}
	if err := e.checkDerivation(); err != nil {
		return err
	}
	if err := checkScale(s.ScaleRate); err != nil {
		return err
	}
	switch {
	case s.ValidImages < 0:
		return terminal.Usagef("--valid-images must be positive, got %d", s.ValidImages)
	case s.Select < 0 || s.Select == 1 || s.Select > s.Epochs-s.Warmup && s.Select != 0:
		return terminal.Usagef("--select must lie between 2 and the %d epochs after the warm-up (0 is off), got %d",
			max(0, s.Epochs-s.Warmup), s.Select)
	case s.Rivals < 0 || s.Rivals > mostRivals:
		return terminal.Usagef("--rivals must lie between 0 (off) and %d, got %d", mostRivals, s.Rivals)
	case s.Selects() && s.SelectEpochs < 1:
		return terminal.Usagef("--select-epochs must be at least 1, got %d", s.SelectEpochs)
	case s.Epochs < 1 || s.Warmup < 0:
		return terminal.Usagef("--epochs must be at least 1 and --warmup at least 0, got %d and %d", s.Epochs,
			s.Warmup)
	case s.Batch < 2:
		return terminal.Usagef("--batch must be at least 2, which batch norm needs, got %d", s.Batch)
	case !(s.Rate > 0) || !(s.AlphaRate >= 0) || math.IsInf(s.Rate+s.AlphaRate, 0):
		return terminal.Usagef("--lr must be positive and --alpha-lr not negative, got %v and %v", s.Rate, s.AlphaRate)
	case s.StopOnSkips < 0 || s.StopOnSkips > genes:
		return terminal.Usagef("--stop-on-skips must lie between 1 and %d (0 is off), got %d", genes, s.StopOnSkips)
	case !(s.Beta >= 0) || math.IsInf(s.Beta, 0):
		return terminal.Usagef("--beta-reg must be finite and not negative, got %v", s.Beta)
	}
	return nil
}

// checkDerivation checks what the genotype derives from.
func (e Experiment) checkDerivation() error {
	s, perturbs := e.Search, e.Perturbs()
	switch {
	case s.Derive != "" && s.Derive != DeriveAlphas && !perturbs:
		return terminal.Usagef("unknown --derive %q: use %s or %s", s.Derive, DeriveAlphas, DerivePerturbation)
	case perturbs && s.perEpoch():
		return terminal.Usagef("--derive %s decides after the last epoch: leave --select, --average-alphas and "+
			"--stop-on-skips away, or give --derive %s", s.Derive, DeriveAlphas)
	case s.PerturbImages < 0 || perturbs && s.PerturbImages > 0 && s.PerturbImages < s.Batch:
		return terminal.Usagef("--perturb-images must be at least a batch, %d (0 is all), got %d", s.Batch, s.PerturbImages)
	case s.PerturbSteps < 0:
		return terminal.Usagef("--perturb-steps must not be negative, got %d", s.PerturbSteps)
	case s.Average < 0 || s.Average > max(1, s.Epochs-s.Warmup):
		return terminal.Usagef("--average-alphas must lie between 1 and the %d epochs after the warm-up (0 is off), got %d",
			max(1, s.Epochs-s.Warmup), s.Average)
	case !(s.FreezeBelow >= 0 && s.FreezeBelow < 1):
		return terminal.Usagef("--freeze-below is a cosine between 0 (off) and 1, got %v", s.FreezeBelow)
	}
	return nil
}

func (e Experiment) checkRetraining() error {
	r := e.Retraining
	e.Images.Classes = max(2, e.Images.Classes)
	switch {
	case r.Genotype == space.Genotype{}:
		return terminal.Usagef("--genotype is missing: give a file or a published name")
	case r.Epochs < 1:
		return terminal.Usagef("--epochs must be at least 1, got %d", r.Epochs)
	case r.Batch < 2:
		return terminal.Usagef("--batch must be at least 2, which batch norm needs, got %d", r.Batch)
	case !(r.Rate > 0) || math.IsInf(r.Rate, 0):
		return terminal.Usagef("--lr must be positive, got %v", r.Rate)
	case !(r.DropPath >= 0 && r.DropPath < 1):
		return terminal.Usagef("--drop-path is a probability below 1, got %v", r.DropPath)
	}
	if err := checkScale(r.ScaleRate); err != nil {
		return err
	}
	if err := e.Derived().Validate(); err != nil {
		return terminal.Usage(err)
	}
	return nil
}

// CheckImages refuses, once the images are known, what the run would stumble over later.
func (e Experiment) CheckImages() error {
	if e.Method == "" {
		return e.checkTrainingImages()
	}
	if err := e.checkRanks(); err != nil {
		return err
	}
	if file := e.Ranking.MaskFile; file != "" {
		if e.Technique().Source == method.ByScores {
			return terminal.Usagef("method %s derives the genotype from pruning scores: it cannot start from a "+
				"mask", e.Method)
		}
		if _, err := e.ReadMask(file); err != nil {
			return err
		}
	}
	if err := e.checkBudget(); err != nil {
		return err
	}
	if p := e.Search.Pad; p < 0 || p > e.Images.Size {
		return terminal.Usagef("--pad must lie between 0 and the image side, got %d for %d", p, e.Images.Size)
	}
	if e.Prunes() && e.Ranking.Batch > e.Images.Train {
		return fmt.Errorf("--prune-batch %d is larger than the %d images of %s", e.Ranking.Batch,
			e.Images.Train, e.Images.Name)
	}
	if held := e.Images.Train / 2; e.Prunes() && e.Ranking.Epochs > 0 && max(e.Ranking.Batch, e.Search.Batch) > held {
		return fmt.Errorf("half of the %d images of %s are fewer than a batch of %d: one half trains the ranking network, the "+
			"other ranks", e.Images.Train, e.Images.Name, max(e.Ranking.Batch, e.Search.Batch))
	}
	if e.Searches() && e.RankCount()*e.Search.Batch > e.Images.Train/2 {
		return fmt.Errorf("--batch %s is larger than half of the %d images of %s: weights and alphas train on "+
			"one half each", e.batchOfAll(e.Search.Batch), e.Images.Train, e.Images.Name)
	}
	return nil
}

func (e Experiment) checkTrainingImages() error {
	r := e.Retraining
	if err := e.TrainingAugment().Check(e.Images.Size); err != nil {
		return terminal.Usage(err)
	}
	if n := e.Images.Trained(); e.RankCount()*r.Batch > n {
		return terminal.Usagef("--batch %s needs as many training images, there are %d", e.batchOfAll(r.Batch), n)
	}
	if r.Auxiliary && e.Images.Size < network.AuxiliaryImage {
		return terminal.Usagef("the auxiliary head needs images of at least %[1]dx%[1]d, these are %[2]dx%[2]d: "+
			"give --image-size %[1]d or --auxiliary=false", network.AuxiliaryImage, e.Images.Size)
	}
	return nil
}
