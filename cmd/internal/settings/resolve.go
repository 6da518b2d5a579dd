package settings

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
	"zos-ort/models/space"
)

// Resolved is an experiment as a command line gives it, and the one that it must equal: that of the run
// which is resumed.
type Resolved struct {
	Experiment
	before *Experiment
	run    string // its folder
}

// Source says what a command line is read against.
type Source struct {
	Options Options
	Prefix  string // of the flags
	// Inherited options also hold when their flag is given without the prefix.
	Inherited Options
	// Presets give new settings.
	Presets map[string]func() Experiment
	Command string
	// Config is a file that takes the place of the one of --config.
	Config string
	// Set, if not nil, overrides what the flags say, before anything is derived from it.
	Set func(*Experiment)
}

// Searching reads the settings of a search, a pruning or the graphs of one.
func Searching(o Options, command string) Source {
	return Source{Options: o, Command: command,
		Presets: map[string]func() Experiment{PresetStandard: Standard, PresetQuick: Quick, PresetPaper: Paper}}
}

// Training reads the settings of a retraining.
func Training(o Options) Source {
	return Source{Options: o, Command: "retrain", Presets: map[string]func() Experiment{
		PresetStandard: PaperRetraining, PresetQuick: QuickRetraining, PresetPaper: PaperRetraining}}
}

// ResumeFlag names the run to resume.
func ResumeFlag() cli.Flag {
	return &cli.StringFlag{Name: "resume", Usage: "resume the interrupted run in `DIR` with its settings"}
}

// ConfigFlag gives a whole experiment.
func ConfigFlag() cli.Flag {
	return &cli.StringFlag{Name: "config", Usage: "take the settings of a run from its config.json, `FILE`; " +
		"other flags override them"}
}

// Resolve makes the experiment of a command line: from a preset, from the file of --config, or from the
// run of --resume, whose settings the flags may only repeat. What only the images tell is still open; see
// Resolved.Unchanged and Experiment.CheckImages.
func (s Source) Resolve(c *cli.Context) (r Resolved, err error) {
	switch {
	case c.IsSet("resume") && c.IsSet("out"):
		return r, terminal.Usagef("--resume writes into the folder of the run: leave --out away")
	case c.IsSet("config") && c.IsSet("resume"):
		return r, terminal.Usagef("--resume takes the settings of its run: leave --config away")
	case c.IsSet("config") && c.IsSet("preset"):
		return r, terminal.Usagef("--config takes the place of --preset: leave one of them away")
	case c.IsSet("resume"):
		before := new(Experiment)
		if err = rundir.Dir(c.String("resume")).ReadSettings(Schema, Version, before); err != nil {
			return r, err
		}
		if err = before.belongs(s.Command); err != nil {
			return r, fmt.Errorf("%s: %w", c.String("resume"), err)
		}
		r.Experiment, r.before, r.run = *before, before, c.String("resume")
		s.Options.Apply(c, s.Prefix, &r.Experiment)
		if err = r.keepMask(c.String("resume")); err == nil {
			err = r.complete(c, s)
		}
		if err == nil {
			err = r.keepCosts(c.String("resume"))
		}
	case c.IsSet("config") || s.Config != "":
		file := cmp.Or(s.Config, c.String("config"))
		if r.Experiment, err = Read(file); err == nil {
			if err = r.belongs(s.Command); err != nil {
				err = fmt.Errorf("%s: %w", file, err)
			}
		}
		r.Execution.Shard = ""
		if err != nil {
			return r, err
		}
		r.Program, r.Command = Program, s.Command
		err = r.apply(c, s)
	default:
		if r.Experiment, err = s.preset(c); err != nil {
			return r, err
		}
		err = r.apply(c, s)
		r.settleDerivation(c, s)
	}
	if err != nil {
		return r, err
	}
	if err = r.Unchanged(); err != nil {
		return r, err
	}
	return r, r.Check()
}

// keepMask makes a resumed run use the mask that it has saved: the file that it came from may be gone or changed. One
// that the command line names must say the same.
func (r *Resolved) keepMask(dir string) error {
	asked, saved := r.Ranking.MaskFile, rundir.Dir(dir).Path("mask.json")
	if asked == "" || !rundir.Exists(saved) {
		return nil
	}
	if asked != r.before.Ranking.MaskFile {
		given, err := space.ReadMask(asked)
		if err != nil {
			return err
		}
		if own, err := space.ReadMask(saved); err != nil || own != given {
			return errors.Join(err, fmt.Errorf("cannot resume: the mask of %s is not that of the run, %s", asked, saved))
		}
	}
	r.Ranking.MaskFile, r.before.Ranking.MaskFile = saved, saved
	return nil
}

// preset starts a new experiment.
func (s Source) preset(c *cli.Context) (Experiment, error) {
	asked := Experiment{}
	s.Inherited.Only("preset").Apply(c, "", &asked)
	s.Options.Only("preset", "data", "space").Apply(c, s.Prefix, &asked)
	if s.Set != nil {
		s.Set(&asked)
	}
	name := asked.Preset
	switch {
	case name != "":
	case asked.Images.Folder == "":
		name = PresetQuick
	default:
		name = PresetStandard
	}
	preset, ok := s.Presets[name]
	if !ok {
		return Experiment{}, terminal.Usagef("unknown preset %q: use %s, %s or %s", name, PresetStandard, PresetQuick,
			PresetPaper)
	}
	e := preset()
	e.Preset = name
	e.Command = s.Command
	if g := asked.Retraining.Genotype; g.Space() != space.DARTS {
		asked.Space = space.RefTo(g.Space())
	}
	return e.In(asked.Space), nil
}

// apply takes the flags over. A method brings settings of its own, which further flags override.
func (r *Resolved) apply(c *cli.Context, s Source) error {
	if r.Method != "" {
		name := r.Method
		s.Options.Only("method").Apply(c, s.Prefix, &r.Experiment)
		if s.Set != nil {
			s.Set(&r.Experiment)
		}
		m, err := method.Find(r.Method)
		if err != nil {
			return terminal.Usage(err)
		}
		if r.Ranking.Channels == 0 || m.Name != name {
			r.Experiment = r.With(m)
		}
		same := [3]int{r.Ranking.Channels, r.Ranking.Cells, r.Ranking.Partial} ==
			[3]int{r.Network.Channels, r.Network.Cells, r.Network.Partial}
		if same { // until a flag makes it another one
			r.Ranking.Channels, r.Ranking.Cells, r.Ranking.Partial = 0, 0, 0
		}
	}
	s.Inherited.Without("preset").Apply(c, "", &r.Experiment)
	s.Options.Without("preset").Apply(c, s.Prefix, &r.Experiment)
	r.settleRanking(c, s)
	return r.complete(c, s)
}

// complete derives what the flags leave open.
func (r *Resolved) complete(c *cli.Context, s Source) error {
	if s.Set != nil {
		s.Set(&r.Experiment)
	}
	if r.Method != "" {
		if _, err := method.Find(r.Method); err != nil {
			return terminal.Usage(err)
		}
		r.Experiment = r.completed()
	} else {
		r.Space = space.RefTo(r.Retraining.Genotype.Space())
	}
	if err := r.Device.SetGPU(); err != nil {
		return err
	}
	if err := r.Budget.completeCosts(); err != nil {
		return err
	}
	_, inherited := s.Inherited.Only("image-size").Given(c, "")
	r.Images.Complete(inherited || c.IsSet(s.Prefix+"image-size"))
	return r.Images.Check()
}

// belongs refuses the experiment of another kind of command.
func (e Experiment) belongs(command string) error {
	if training := command == "retrain"; training != (e.Method == "") {
		return fmt.Errorf("the settings are those of zos-ort %s, not of zos-ort %s", e.Command, command)
	}
	return nil
}

// Resumed reports whether the experiment continues an earlier run.
func (r *Resolved) Resumed() bool { return r.before != nil }

// Unchanged refuses to resume a run with other settings.
func (r *Resolved) Unchanged() error {
	if r.before == nil {
		return nil
	}
	if e := r.epochs(); *e(&r.Experiment) != *e(r.before) {
		return fmt.Errorf("cannot resume with --epochs %d: the learning rate of this run falls to 0 over its %d epochs, so a "+
			"longer one differs from the first epoch on; begin it with zos-ort %s --config %s/config.json --epochs %[1]d",
			*e(&r.Experiment), *e(r.before), r.Command, r.run)
	}
	if err := Same(*r.before, r.Experiment); err != nil {
		return fmt.Errorf("cannot resume: the run was started with %w", err)
	}
	if then, now := r.before.Images.TestFingerprint, r.Images.TestFingerprint; then != "" && then != now {
		return fmt.Errorf("cannot resume: the test images have changed: their fingerprint was %s and is %s now", then, now)
	}
	return nil
}

// epochs finds the number of epochs of the run.
func (e Experiment) epochs() func(*Experiment) *int {
	if e.Method == "" {
		return func(e *Experiment) *int { return &e.Retraining.Epochs }
	}
	return func(e *Experiment) *int { return &e.Search.Epochs }
}

// Read reads an experiment strictly: a key that it does not know is an error.
func Read(path string) (e Experiment, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return e, fmt.Errorf("settings: %w", err)
	}
	err = rundir.Decode(path, b, Schema, Version, &e)
	return e, err
}

// FindGenotype takes a published name or a file.
func FindGenotype(name string) (space.Genotype, error) {
	if _, err := os.Stat(name); err == nil {
		return space.ReadGenotype(name)
	}
	g, err := space.Named(name)
	if err != nil {
		return g, fmt.Errorf("genotype %q is neither a file nor a known name: %w", name, err)
	}
	return g, nil
}
