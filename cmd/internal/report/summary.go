package report

import (
	"fmt"
	"strings"

	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
)

// summary makes verdict and facts of a run.
type summary struct {
	*run
	e        settings.Experiment
	result   result
	finished bool
	genotype *space.Genotype
	mask     *space.Mask
	judged   *judged
	norms    []number // of the kernel, by pruning round
}

func percent(x float64) string { return fmt.Sprintf("%.2f %%", 100*x) }

// accuracy is that of the result, or else of the last epoch; NaN if there is none.
func (s summary) accuracy() number {
	for _, x := range []*float64{s.result.TestAcc, s.result.ValidAcc} {
		if x != nil {
			return number(*x * 100)
		}
	}
	return last(s.curves.acc)
}

// epochs are those that the run is to have.
func (s summary) epochs() int {
	if s.Kind == "retrain" {
		return s.e.Retraining.Epochs
	}
	return s.e.SearchEpochs()
}

// progress says how far a run is that has not ended.
func (s summary) progress() string {
	done := len(s.curves.epochs)
	if s.finished || s.Kind != "retrain" && s.genotype != nil && done == s.epochs() {
		return ""
	}
	if s.Kind == "prune" {
		return "Not finished. "
	}
	return fmt.Sprintf("Not finished: %d of %d epochs. ", done, s.epochs())
}

// verdict says first how good what was found is.
func (s summary) verdict() string {
	text := s.progress()
	acc := s.accuracy()
	switch {
	case s.Kind == "prune" && s.mask.Count() > 0:
		text += fmt.Sprintf("The mask keeps %d of %d operations.", s.mask.Count(), s.mask.Space().FullMask().Count())
	case s.Kind == "retrain" && acc.known():
		of := "test images"
		if s.e.Images.HoldOut {
			of = "training images held out"
		}
		text += fmt.Sprintf("The network recognises %.2f %% of the %s; chance is %s.", float64(acc), of, s.chance())
	case acc.known():
		text += fmt.Sprintf("The supernet recognises %.2f %% of the validation images; chance is %s.", float64(acc), s.chance())
	case s.genotype != nil:
		text += "An architecture was found without training a supernet."
	default:
		text += "Nothing is found yet."
	}
	if j := s.judged; j != nil {
		text += fmt.Sprintf(" The surrogate predicts %.2f %% on CIFAR-10, better than %.0f %% of %d random architectures.",
			j.Accuracy, j.Percentile, j.random.Samples)
	}
	return text
}

func (s summary) chance() string {
	if s.e.Images.Classes == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.3g %%", 100/float64(s.e.Images.Classes))
}

// facts are the numbers that people compare.
func (s summary) facts() (list []fact) {
	add := func(label, value, note string) {
		if value != "" {
			list = append(list, fact{label, value, note})
		}
	}
	if acc := s.accuracy(); acc.known() {
		add(strings.ToUpper(s.curvesName()[:1])+s.curvesName()[1:]+" accuracy", fmt.Sprintf("%.2f %%", float64(acc)), "chance "+s.chance())
	}
	if j := s.judged; j != nil {
		add("Predicted percentile", fmt.Sprintf("%.1f", j.Percentile), fmt.Sprintf("among %d random architectures", j.random.Samples))
		add("Predicted accuracy", fmt.Sprintf("%.2f %%", j.Accuracy), fmt.Sprintf("random ones have %.2f ± %.2f", j.random.Mean,
			j.random.Deviation))
	}
	if g := s.genotype; g != nil {
		each := g.Space().Genes()
		if len(g.Space().CellTypes()) == 1 {
			add("Skip connections", fmt.Sprint(g.Skips(space.Normal)), fmt.Sprintf("of %d", each))
		} else {
			add("Skip connections", fmt.Sprintf("%d + %d", g.Skips(space.Normal), g.Skips(space.Reduce)),
				fmt.Sprintf("normal + reduction cell, of %d each", each))
		}
	}
	s.costFacts(add)
	if m := s.mask; m.Count() > 0 && *m != s.mask.Space().FullMask() {
		add("Operations kept", fmt.Sprintf("%d of %d", m.Count(), s.mask.Space().FullMask().Count()), "by the mask")
	}
	if n := len(s.norms); n > 0 {
		add("Kernel norm", fmt.Sprintf("%.4g", float64(s.norms[n-1])), terminal.Count(n, "pruning round"))
	}
	s.timeFacts(add)
	if x := s.result; x.Predicted > 0 {
		add("Predicted peak memory", megabytes(float64(x.Predicted)), "of tensors")
	}
	if x := s.result; x.PeakRSS > 0 {
		add("Peak resident size", megabytes(float64(x.PeakRSS)), "of the process")
	}
	if x := s.result.GPU; x != nil && x.Process > 0 {
		add("Peak GPU memory", megabytes(float64(x.Process)), "of the process")
	}
	return list
}

func (s summary) curvesName() string {
	if s.curves.what == "" {
		return "validation"
	}
	return s.curves.what
}

// costFacts say how large and how fast the network is that was exported.
func (s summary) costFacts(add func(label, value, note string)) {
	g := s.genotype
	if g == nil {
		return
	}
	channels, cells := s.e.Export.Channels, s.e.Export.Cells
	if s.Kind == "retrain" {
		channels, cells = s.e.Retraining.Channels, s.e.Retraining.Cells
	}
	size := fmt.Sprintf("%d cells of %d channels", cells, channels)
	if channels > 0 && cells > 0 && s.e.Images.Classes > 0 {
		n := space.NetworkParams(*g, channels, cells, s.e.Images.Classes, false)
		add("Parameters", fmt.Sprintf("%.3f M", float64(n)/1e6), size)
	}
	c := s.result.Network
	if c == nil {
		return
	}
	add("Multiply-adds", fmt.Sprintf("%.1f M", float64(c.MACs)/1e6), fmt.Sprintf("an image of %d×%d", s.e.Images.Size, s.e.Images.Size))
	add("Model file", megabytes(float64(c.Bytes)), "float32")
	if c.Latency > 0 {
		add("Latency", fmt.Sprintf("%.2f ms", c.Latency), "an image on this machine's processor, median")
	}
}

func (s summary) timeFacts(add func(label, value, note string)) {
	parts := s.result.seconds()
	if t, ok := parts["prune"]; ok && t > 0 {
		add("Pruning", duration(t), "")
	}
	total := 0.
	for _, x := range s.curves.seconds {
		if x.known() {
			total += float64(x)
		}
	}
	if total > 0 {
		label := "Search"
		if s.Kind == "retrain" {
			label = "Training"
		}
		add(label, duration(total), terminal.Count(len(s.curves.seconds), "epoch"))
	}
}

// duration prints seconds for people.
func duration(s float64) string {
	switch {
	case s < 100:
		return fmt.Sprintf("%.1f s", s)
	case s < 2*3600:
		return fmt.Sprintf("%.1f min", s/60)
	}
	return fmt.Sprintf("%.1f h", s/3600)
}
