package stages

import (
	"bytes"
	"context"
	"errors"

	"zos-ort/cmd/internal/deploy"
	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/judge"
	"zos-ort/cmd/internal/profile"
	"zos-ort/cmd/internal/report"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/models/celldraw"
	"zos-ort/models/method"
	"zos-ort/models/ranks"
	"zos-ort/models/space"
	"zos-ort/models/stream"
	"zos-ort/ort"
	"zos-ort/ort/meter"
	"zos-ort/ort/program"
	"zos-ort/search"
	"zos-ort/search/data"
)

// SearchResult is what a search reports.
type SearchResult struct {
	Run       string             `json:"run"`
	Ranks     int                `json:"ranks,omitempty"` // that have shared the run, if there were several
	Genotype  space.Genotype     `json:"genotype"`
	Text      string             `json:"genotype_text"`
	Rivals    *Rivals            `json:"rivals,omitempty"`         // of --rivals
	Selected  []Candidate        `json:"selection,omitempty"`      // the candidates of --select and --rivals
	ValidAcc  *float64           `json:"valid_accuracy,omitempty"` // of the supernet, if there was one
	Stop      *search.Stop       `json:"stop,omitempty"`           // what ended the search early
	Entropy   *Entropy           `json:"entropy,omitempty"`
	Remaining Remaining          `json:"remaining"`
	PeakRSS   int64              `json:"peak_rss_bytes"` // of the process
	Predicted int                `json:"predicted_peak_bytes"`
	Forecast  map[string]float64 `json:"predicted_seconds,omitempty"` // by part of the run
	Network   *deploy.Cost       `json:"network"`                     // that is exported untrained
	Budget    []Spent            `json:"budget,omitempty"`
	GPU       *meter.Peaks       `json:"gpu_memory,omitempty"`
	Judge     *judge.Report      `json:"judge,omitempty"`
	Seconds   struct {
		Prune  float64 `json:"prune"`
		Search float64 `json:"search"`
	} `json:"seconds"`
}

// Search prunes as the method says, searches what is left, and exports what was found.
func (r *Run) Search(ctx context.Context) (out SearchResult, err error) {
	out.Run, out.Ranks = string(r.Dir), ranks.Several(r.Ranks)
	pruned, err := r.mask(ctx)
	if err != nil {
		return out, err
	}
	out.Seconds.Prune, out.Remaining = pruned.Seconds, RemainingOf(pruned.Mask)
	if r.Execution.Profile && r.leads() {
		if err := r.profile(ctx, pruned.Mask); err != nil {
			return out, err
		}
	}
	limits, err := r.Limits()
	if err != nil {
		return out, err
	}
	switch r.Technique().Source {
	case method.ByScores:
		out.Genotype, err = pruned.Genotype(limits)
	case method.ByChance:
		out.Genotype, err = limits.Random(stream.New(r.Seed, stream.Architecture, 0), pruned.Mask)
	default:
		err = r.explain(r.oneShot(ctx, pruned.Mask, &out), settings.StageSearch, pruned.Mask)
	}
	if err != nil || !r.leads() {
		return out, err
	}
	terminal.Doing(ctx, "exporting what was found")
	out.Text, out.PeakRSS, out.GPU = out.Genotype.String(), host.PeakRSS(), r.Device.Meter.Total()
	out.Predicted, out.Forecast = r.Need.Peak, r.Forecast.Map()
	if out.Network, err = r.export(out.Genotype, pruned.Mask); err != nil {
		return out, err
	}
	out.Budget = spent(limits, out.Genotype)
	if out.Judge, err = r.judged(ctx); err != nil {
		return out, err
	}
	return out, r.Dir.WriteJSON(resultFile, out)
}

// oneShot searches what the mask leaves, from the last checkpoint on if there is one.
func (r *Run) oneShot(ctx context.Context, mask space.Mask, out *SearchResult) error {
	if err := r.guard(settings.StageSearch, mask); err != nil {
		return err
	}
	if err := r.memoryPlan(ctx, settings.StageSearch, mask); err != nil {
		return err
	}
	if err := r.replan(mask); err != nil {
		return err
	}
	cfg, err := SearchConfig(r.Experiment, mask)
	if err != nil {
		return err
	}
	cfg.Options, cfg.Ranks = r.Device.Options(r.Experiment), r.Ranks
	warnRate(cfg.Alpha, r.Console)
	if n := cfg.AlphaSteps(r.train.Len()); cfg.Alpha == 0 && n > 0 {
		r.Console.Say("%d alpha steps at the rate %.2g", n, cfg.AlphaRate(r.train.Len()))
	}
	defer r.Console.Stop()
	rec, from, err := newSearchRecorder(r)
	if err != nil {
		return err
	}
	terminal.Doing(ctx, "opening the sessions of the search, or making a step of it")
	res, err := search.Run(ctx, cfg, r.train, from, rec)
	if err != nil {
		return err
	}
	out.Genotype, out.ValidAcc, out.Seconds.Search = res.Genotype, &res.Last.ValidAcc, rec.saved.Seconds
	out.Entropy = entropyOf(mask, res.Alphas)
	if cfg.Perturb == nil { // alphas decide
		out.Entropy.warn(r.Console)
	}
	if out.Stop = res.Stop; res.Stop != nil {
		r.Console.Say("stopped: the %v cell of epoch %d has %d skip connections; the result is from before it",
			res.Stop.Cell, res.Stop.Epoch+1, res.Stop.Skips)
		if err := r.Dir.WriteJSON("alphas.json", res.Alphas); err != nil { // those of the result
			return err
		}
	}
	if err := rec.store.Finish(); err != nil || !r.Experiment.Search.Selects() {
		return err
	}
	return r.choose(ctx, res.Last.Epoch, out)
}

// SearchConfig are the settings of the one-shot search of an experiment, without options of the runtime.
func SearchConfig(e settings.Experiment, mask space.Mask) (search.Config, error) {
	s := e.Search
	l, err := e.Lowering()
	limits, wrong := e.Limits()
	var perturb *search.Perturb
	if e.Perturbs() {
		perturb = &search.Perturb{Images: s.PerturbImages, Steps: s.PerturbSteps}
	}
	return search.Config{Average: s.Average, Limits: limits, Perturb: perturb, FreezeBelow: s.FreezeBelow,
		Net: e.Supernet(mask), Batch: s.Batch, Epochs: s.Epochs, Warmup: s.Warmup,
		Rate: e.ScaledRate(s.Rate, s.ScaleRate), Alpha: s.AlphaRate, Beta: s.Beta, Form: method.BetaForm(s.BetaForm), StopOnSkips: s.StopOnSkips,
		Augment: data.Augment{Pad: s.Pad, Flip: true}, Valid: s.ValidImages, Seed: e.Seed,
		Lowering: l}, errors.Join(err, wrong)
}

// profile looks at the programs of the run's last stage under a mask before it begins.
func (r *Run) profile(ctx context.Context, mask space.Mask) error {
	list := r.Stages()
	if len(list) == 0 {
		return nil
	}
	programs, err := r.Programs(list[len(list)-1], mask)
	if err != nil {
		return err
	}
	return profile.Programs(ctx, programs, r.Device.Options(r.Experiment), r.Dir, r.Console)
}

// Print reports the result to people.
func (s SearchResult) Print(r *Run) {
	r.Console.Result("%s", s.Text)
	for _, t := range s.Genotype.Space().CellTypes() {
		r.Console.Result("%s cell\n%s", t, celldraw.Text(s.Genotype, t))
	}
	if s.ValidAcc != nil {
		r.Console.Result("supernet validation accuracy: %.2f %%", 100**s.ValidAcc)
	}
	if s.Rivals != nil {
		r.Console.Result("%v", s.Rivals)
	}
	for _, b := range s.Budget {
		r.Console.Result("%s", b.text)
	}
	device.Print(s.GPU, r.Console)
	if verdict, err := report.Verdict(string(r.Dir)); err == nil { // the page says what is wrong
		r.Console.Result("%s", verdict)
		r.Console.Result("see %s", r.Dir.Path(report.FileName))
	}
	r.Console.Result("pruning %.1f s, search %.1f s; written to %s", s.Seconds.Prune, s.Seconds.Search, s.Run)
}

// InitialState is the checkpoint of a search that has not begun.
func InitialState(e settings.Experiment, weight *graphgen.Program) ([]byte, error) {
	cfg, err := SearchConfig(e, e.Space.Of().FullMask())
	if err != nil {
		return nil, err
	}
	var state bytes.Buffer
	shape := program.Shape{Weights: weight.Weights, Stats: weight.Stats}
	v := program.Vectors{Weights: cfg.InitialWeights(weight.Weights)}
	err = ort.WriteCheckpoint(&state, program.Params(shape, v))
	return state.Bytes(), err
}
