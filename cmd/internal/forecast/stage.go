package forecast

import (
	"context"
	"slices"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen"
	"zos-ort/graphgen/pass"
	"zos-ort/models/ranks"
	"zos-ort/models/space"
	"zos-ort/models/stream"
	"zos-ort/prune/proxy"
)

// stage is a part of a run with what its programs take.
type stage struct {
	what       string
	experiment settings.Experiment
	at         settings.Stage
	mask       space.Mask
	programs   []*graphgen.Program
	looks      []*proxy.Look // of a pruning, beside its programs
	target     pass.Target

	seconds map[string]float64 // of a run of each program; of a ranking, of one of the networks side by side
	sums    sums               // over the ranks
	opening float64            // of the sessions; of a ranking, of those of one worker
	smaller float64            // part of its time that a network takes after the pruning
}

// stagesOf are the parts of a run, with times by arithmetic alone.
func stagesOf(e settings.Experiment) (list []stage, err error) {
	var likely space.Mask
	if e.Method != "" {
		whole := e
		whole.Execution.Shard = "" // what a shard leaves is not known
		if likely, err = whole.HeavyMask(); err != nil {
			return nil, err
		}
	}
	for _, at := range e.Stages() {
		s := stage{what: map[settings.Stage]string{settings.StagePruning: Pruning, settings.StageSearch: Search,
			settings.StageTraining: Training, settings.StageRankTraining: RankTraining}[at], experiment: e, at: at, mask: likely}
		if at == settings.StageRankTraining {
			s.mask = e.Space.Of().FullMask()
		}
		if at == settings.StagePruning {
			s.mask = e.RankedSpace()
			rankers, _ := e.Rankers()
			s.looks = proxy.Looks(rankers)
		}
		list = append(list, s)
	}
	if e.Method != "" && e.Searches() && e.Search.Selects() {
		g, err := space.RandomGenotype(stream.New(e.Seed, stream.Architecture, 0), likely)
		if err != nil {
			return nil, err
		}
		list = append(list, stage{what: Selection, experiment: e.Selection(g), at: settings.StageTraining})
	}
	for i := range list {
		if err := list[i].guess(); err != nil {
			return nil, err
		}
		if s := &list[i]; s.at == settings.StagePruning {
			after := stage{experiment: e, at: s.at, mask: likely}
			if err := after.guess(); err != nil {
				return nil, err
			}
			if s.smaller = 1; sum(s.seconds) > 0 { // no program runs where counting weights is all
				s.smaller = sum(after.seconds) / sum(s.seconds)
			}
		}
	}
	return list, nil
}

// guess makes the programs and predicts their times by arithmetic, of which only ratios mean something.
func (s *stage) guess() (err error) {
	l, err := s.experiment.Lowering()
	if err != nil {
		return err
	}
	s.target = l.Target
	if s.programs, err = s.experiment.Programs(s.at, s.mask); err != nil {
		return err
	}
	s.seconds = s.arithmetic()
	return nil
}

// arithmetic is the time of each program as its operators predict it.
func (s *stage) arithmetic() map[string]float64 {
	m := map[string]float64{}
	for _, p := range s.programs {
		m[p.Name] = pass.StepTime(p.Graph, s.target)
	}
	return m
}

func sum(m map[string]float64) (x float64) {
	for _, v := range m {
		x += v
	}
	return x
}

// part counts what the stage does.
func (s stage) part(test int) (Part, error) {
	switch s.what {
	case Pruning:
		return s.pruning()
	case RankTraining:
		return s.rankTraining(), nil
	case Search:
		return s.searching(), nil
	case Selection:
		return s.selecting(), nil
	}
	return s.training(s.experiment.Images.Trained(), test), nil
}

// worth is from how many seconds on, by arithmetic, a run is worth timing its steps.
const worth = 10

// Of predicts how long a run takes that tests on so many images. A run of seconds is timed only if all is to be, as on
// the user's wish. Ranks that share the run, nil for a process alone, all call it: they time their steps side by side,
// as they will make them.
func Of(ctx context.Context, e settings.Experiment, test int, d *device.Device, all bool, g ranks.Group) (f Forecast, err error) {
	g = ranks.Of(g)
	list, err := stagesOf(e)
	if err == nil {
		f.stages, f.test = list, test
		f.Parts, err = parts(list, test)
	}
	if err := ranks.Agree(g, err, nil); err != nil {
		return f, err
	}
	brief := !all && f.Seconds() < worth
	if err := ranks.Share(g, &brief, 0); err != nil || brief { // other machines may guess otherwise
		f.Why = "seconds"
		return f, err
	}
	for i := range list {
		if err := list[i].measure(ctx, d, g); err != nil {
			return f, err
		}
	}
	f.Measured = true
	f.Parts, err = parts(list, test)
	return f, err
}

// parts counts what all stages do.
func parts(list []stage, test int) (parts []Part, err error) {
	for _, s := range list {
		p, err := s.part(test)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// Guess predicts by arithmetic alone; why says why nothing is timed.
func Guess(e settings.Experiment, test int, why string) (Forecast, error) {
	list, err := stagesOf(e)
	if err != nil {
		return Forecast{Why: why}, err
	}
	f := Forecast{Why: why, stages: list, test: test}
	f.Parts, err = parts(list, test)
	return f, err
}

// WithMask is the forecast of a search whose mask is known: its trials are counted anew, and the times of its steps
// follow from what was timed by the arithmetic of both masks.
func (f Forecast) WithMask(mask space.Mask) (Forecast, error) {
	list := slices.Clone(f.stages)
	for i := range list {
		if s := &list[i]; s.what == Search && s.mask != mask {
			if err := s.remask(mask); err != nil {
				return f, err
			}
		}
	}
	parts, err := parts(list, f.test)
	if err != nil {
		return f, err
	}
	f.stages, f.Parts = list, parts
	return f, nil
}

// remask gives the stage another mask.
func (s *stage) remask(mask space.Mask) error {
	known := s.seconds
	before := s.arithmetic()
	s.mask = mask
	if err := s.guess(); err != nil {
		return err
	}
	for name, t := range s.seconds {
		s.seconds[name] = known[name] * t / before[name]
	}
	return nil
}
