package sweeping

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/cells"
	"zos-ort/cmd/internal/images"
	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
	"zos-ort/models/space"
)

// RetrainPrefix stands before the flags of the retrainings.
const RetrainPrefix = "retrain-"

// Options of the searches and of the retrainings that a sweep sets for all of its cells alike.
var (
	SearchOptions  = settings.SearchCommand.Without("method", "data", "seed", "threads", "dump", "surrogate")
	RetrainOptions = settings.RetrainCommand.Without("data", "seed", "threads", "hold-out")
	// inherited flags of the searches hold for the retrainings too, unless --retrain-... says otherwise.
	inherited = settings.RetrainCommand.Only("preset", "train-images", "image-size", "on-bad-image", "ignore-orientation",
		"pad")
)

// resolver resolves the experiments of the cells of one data set, one after the other.
type resolver struct {
	c       *cli.Context // of the sweep
	console *terminal.Console
	folder  string
	threads int
	budget  int64  // bytes for all processes together
	first   uint64 // seed of the sweep
	set     func(*settings.Experiment)
	visible func(settings.Experiment) error // an error where the executor would not see a file
	retrain bool
	ranks   bool // before it retrains

	needs map[string]memory.Need // by what they depend on

	images, testImages imageCache // of searches and retrainings
}

// search resolves the experiment of a search.
func (r *resolver) search(m method.Method, seed uint64) (settings.Experiment, error) {
	from := settings.Searching(SearchOptions, "search")
	from.Set = func(e *settings.Experiment) { e.Method = m.Name; r.common(e, seed); r.set(e) }
	return r.resolve(from, r.images, 0)
}

// standInFor is an architecture in place of what will be found: DARTS_V2, or the heaviest one of another space.
func standInFor(s *space.Space) (space.Genotype, error) {
	if s == space.DARTS {
		return space.Named("DARTS_V2")
	}
	return s.Heaviest(), nil
}

// training resolves the experiment of a retraining, which does not depend on the method.
func (r *resolver) training(standIn space.Genotype, seed uint64) (e settings.Experiment, err error) {
	from := settings.Training(RetrainOptions)
	from.Prefix, from.Inherited = RetrainPrefix, inherited
	from.Set = func(e *settings.Experiment) { e.Retraining.Genotype = standIn; r.common(e, seed) }
	if e, err = r.resolve(from, r.testImages, images.GeneratedTest); err != nil {
		return e, fmt.Errorf("retrain: %w", err)
	}
	return e, nil
}

// common sets what the sweep decides.
func (r *resolver) common(e *settings.Experiment, seed uint64) {
	e.Images.Folder, e.Seed, e.Device.Threads = r.folder, seed, r.threads
}

// resolve makes an experiment and completes it with what the images are.
func (r *resolver) resolve(from settings.Source, known imageCache, testing int) (settings.Experiment, error) {
	resolved, err := from.Resolve(r.c)
	if err != nil {
		return resolved.Experiment, err
	}
	e := resolved.Experiment
	if err := known.fill(r.c.Context, &e, testing, r.console); err != nil {
		return e, err
	}
	return e, e.CheckImages()
}

// imageCache remembers the images of a folder, so that a sweep reads it once and not for every cell.
type imageCache map[uint64]loaded

// loaded are images, and how many of them test.
type loaded struct {
	settings.Images
	test int
}

// of is how many images test an experiment.
func (known imageCache) of(e settings.Experiment) int {
	if e.Images.Folder != "" {
		return known[0].test
	}
	return known[e.Seed].test
}

// fill completes an experiment by loading, or with what is known: generated images depend on the seed, those
// of a folder do not.
func (known imageCache) fill(ctx context.Context, e *settings.Experiment, testing int,
	p *terminal.Console) error {
	seed := e.Seed
	if e.Images.Folder != "" {
		seed = 0
	}
	if found, ok := known[seed]; ok {
		e.Images = found.Images
		return nil
	}
	_, test, err := images.Load(ctx, &e.Images, e.Seed, testing, p)
	if err != nil {
		return err
	}
	l := loaded{Images: e.Images}
	if test != nil {
		l.test = test.Len()
	}
	known[seed] = l
	return nil
}

// plannedCell is a cell and what it needs.
type plannedCell struct {
	cells.Cell
	need    int64  // bytes of the process, predicted
	refused string // why it cannot run within the budget
	lost    string // why there is no result though it was started
	// standIn is trained in place of what will be found, on so many test images, where durations are predicted.
	standIn space.Genotype
	test    int
	gpu     bool                // a run needs one
	small   settings.Experiment // by which it is ranked, if it is
}

// cell puts the experiments of a method and a seed into a cell.
func (r *resolver) cell(m method.Method, seed uint64) (p plannedCell, name string, err error) {
	e, err := r.search(m, seed)
	if err != nil {
		return p, "", err
	}
	p.Method, p.Seed, p.Threads = m.Name, seed, r.threads
	list := []settings.Experiment{e}
	if p.Phases, err = r.phases(&p, cells.Search, e); err != nil {
		return p, "", err
	}
	if r.retrain {
		trainings, err := r.trainings(&p, e)
		if err != nil {
			return p, "", err
		}
		list = append(list, trainings...)
	}
	for _, e := range list {
		p.gpu = p.gpu || e.Device.GPU
		if err := r.visible(e); err != nil {
			return p, "", err
		}
	}
	return p, e.Images.Name, r.measure(&p, list)
}

// trainings adds what comes after a search to a cell. A ranking holds the retraining.
func (r *resolver) trainings(p *plannedCell, search settings.Experiment) (list []settings.Experiment, err error) {
	standIn, err := standInFor(search.Space.Of())
	if err != nil {
		return nil, err
	}
	if r.ranks {
		if p.small, err = r.small(search, standIn); err != nil {
			return nil, err
		}
		list = append(list, p.small)
		if p.Phases, err = r.phases(p, cells.Small, p.small); err != nil {
			return nil, err
		}
	}
	t, err := r.training(standIn, p.Seed)
	if err != nil {
		return nil, err
	}
	p.standIn, p.test = standIn, r.testImages.of(t)
	if p.Phases, err = r.phases(p, cells.Retrain, t); err == nil && r.ranks {
		p.Cell = p.Holding(cells.Held)
	}
	return append(list, t), err
}

// phases are those of a cell with one more.
func (r *resolver) phases(p *plannedCell, name string, e settings.Experiment) ([]cells.Phase, error) {
	ignore := "ignore-memory"
	if name == cells.Retrain {
		ignore = RetrainPrefix + ignore
	}
	phase, err := phaseOf(name, e, r.c.Bool(ignore))
	return append(p.Phases, phase), err
}

// phaseOf is a run of the program on an experiment. The genotype of a training is not known yet.
func phaseOf(name string, e settings.Experiment, ignoreMemory bool) (p cells.Phase, err error) {
	p = cells.Phase{Name: name, Args: []string{e.Command, "--json"}, State: cells.Waiting}
	if ignoreMemory {
		p.Args = append(p.Args, "--ignore-memory")
	}
	if e.Method == "" {
		p.Args = append(p.Args, "--genotype={cell}/"+cells.Search+"/genotype.json")
	}
	e.Retraining.Genotype = space.Genotype{}
	p.Settings, err = json.Marshal(e)
	return p, err
}
