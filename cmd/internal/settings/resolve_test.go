package settings

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"zos-ort/graphgen/check"
)

// resolve reads a command line as a command would.
func resolve(t *testing.T, s Source, args ...string) (r Resolved, err error) {
	t.Helper()
	app := &cli.App{Flags: append(s.Options.Flags(s.Prefix, Paper()), ConfigFlag(), ResumeFlag(), Out("x")),
		Action: func(c *cli.Context) (failed error) { r, failed = s.Resolve(c); return failed }}
	err = app.Run(append([]string{"zos-ort"}, args...))
	return r, err
}

// An experiment reads back from its JSON as it was, strictly.
func TestExperimentRoundTrip(t *testing.T) {
	for _, e := range []Experiment{Paper(), Quick(), PaperOnCIFAR()} {
		path := filepath.Join(t.TempDir(), "config.json")
		b := check.Must(json.Marshal(e))(t)
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if got := check.Must(Read(path))(t); !reflect.DeepEqual(got, e) {
			t.Errorf("got %+v, want %+v", got, e)
		}
	}
	path := filepath.Join(t.TempDir(), "config.json")
	for content, want := range map[string]string{
		`{"schema":"zos-ort/config","version":2,"colour":"red"}`:             "colour",
		`{"schema":"zos-ort/config","version":2,"search":{"batsch":"red"}}`:  "batsch",
		`{"schema":"zos-ort/config","version":1}`:                            "version 1",
		`{"schema":"zos-ort/other","version":2}`:                             "zos-ort/other",
		`{"schema":"zos-ort/config","version":2,"device":{"threads":"two"}}`: "threads",
		`{`: "config.json",
	} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Read(path)
		check.Error(t, err, want)
	}
}

// A run can be repeated from its config.json; flags override what it says, and a method brings its own
// supernet.
func TestResolveFromConfig(t *testing.T) {
	s := Searching(SearchCommand, "search")
	first := check.Must(resolve(t, s, "--epochs", "7", "--channels", "12", "--seed", "3", "--threads", "1"))(t)
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, check.Must(json.Marshal(first.Experiment))(t), 0o644); err != nil {
		t.Fatal(err)
	}
	again := check.Must(resolve(t, s, "--config", path))(t)
	if !reflect.DeepEqual(again.Experiment, first.Experiment) {
		t.Errorf("got %+v, want %+v", again.Experiment, first.Experiment)
	}
	other := check.Must(resolve(t, s, "--config", path, "--method", "darts", "--epochs", "9"))(t)
	if other.Network.Partial != 1 || other.Search.Beta != 0 || other.Search.Epochs != 9 ||
		other.Network.Channels != 12 || other.Ranking.Partial != 1 || other.Seed != 3 {
		t.Errorf("got %+v", other.Experiment)
	}
	_, err := resolve(t, Training(RetrainCommand), "--config", path)
	check.Error(t, err, "the settings are those of zos-ort search, not of zos-ort retrain")
	_, err = resolve(t, s, "--config", path, "--preset", "paper")
	check.Error(t, err, "--config takes the place of --preset")
	_, err = resolve(t, s, "--config", path, "--resume", filepath.Dir(path))
	check.Error(t, err, "leave --config away")
}

// The quick preset decides by perturbation, unless another flag needs the alphas or nothing is searched. Whoever asks
// for a perturbation by name gets it, or is refused.
func TestDerivation(t *testing.T) {
	search, prune := Searching(SearchCommand, "search"), Searching(PruneCommand, "prune")
	graphs := Searching(GraphsCommand, "graphs")
	for _, c := range []struct {
		from   Source
		args   string
		want   string
		images int
	}{
		{search, "", DerivePerturbation, 512},
		{search, "--preset quick --method darts --space nb201", DerivePerturbation, 512},
		{search, "--preset standard", DeriveAlphas, 0},
		{search, "--preset paper", DeriveAlphas, 0},
		{search, "--derive alphas", DeriveAlphas, 512},
		{search, "--select 3", DeriveAlphas, 512},
		{search, "--average-alphas 2", DeriveAlphas, 512},
		{search, "--average-alphas 1", DerivePerturbation, 512},
		{search, "--stop-on-skips 3", DeriveAlphas, 512},
		{search, "--batch 600", DerivePerturbation, 600},
		{search, "--batch 600 --perturb-images 0", DerivePerturbation, 0},
		{search, "--method etenas", DeriveAlphas, 512},
		{search, "--method random", DeriveAlphas, 512},
		{search, "--preset standard --derive perturbation", DerivePerturbation, 0},
		{prune, "", DeriveAlphas, 512},
		{graphs, "", DeriveAlphas, 512},
	} {
		r := check.Must(resolve(t, c.from, strings.Fields(c.args)...))(t)
		if r.Search.Derive != c.want || r.Search.PerturbImages != c.images {
			t.Errorf("%s %s: from %q on %d images, want %q on %d", c.from.Command, c.args, r.Search.Derive,
				r.Search.PerturbImages, c.want, c.images)
		}
	}
	for _, args := range []string{"--derive perturbation --select 3", "--derive perturbation --average-alphas 2",
		"--derive perturbation --stop-on-skips 3", "--derive perturbation --batch 600 --perturb-images 512"} {
		if _, err := resolve(t, search, strings.Fields(args)...); err == nil {
			t.Errorf("%s is not refused", args)
		}
	}
}

// Settings of runs from before the quick preset decided by perturbation name no derivation: they mean the alphas,
// by themselves, with further flags, and beside settings that name them.
func TestDerivationOfOlderRuns(t *testing.T) {
	s := Searching(SearchCommand, "search")
	old := check.Must(resolve(t, s, "--derive", "alphas"))(t).Experiment
	old.Search.Derive = ""
	dir := t.TempDir()
	path := filepath.Join(dir, "config.json")
	if err := os.WriteFile(path, check.Must(json.Marshal(old))(t), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--config", path}, {"--config", path, "--method", "pc-darts"}, {"--resume", dir},
		{"--resume", dir, "--derive", "alphas"}} {
		r := check.Must(resolve(t, s, args...))(t)
		if r.Perturbs() {
			t.Errorf("%v decides by perturbation", args)
		}
	}
	_, err := resolve(t, s, "--resume", dir, "--derive", DerivePerturbation)
	check.Error(t, err, "derive alphas, now it would be perturbation")
}

// The ranking network follows the supernet until a flag makes it another one.
func TestRankingNetwork(t *testing.T) {
	s := Searching(SearchCommand, "search")
	r := check.Must(resolve(t, s, "--channels", "12"))(t)
	if r.Ranking.Channels != 12 || r.Ranking.Partial != r.Network.Partial {
		t.Errorf("got %+v", r.Ranking)
	}
	r = check.Must(resolve(t, s, "--channels", "12", "--rank-channels", "20"))(t)
	if r.Ranking.Channels != 20 || r.Network.Channels != 12 {
		t.Errorf("got %+v and %+v", r.Ranking, r.Network)
	}
}

func TestSame(t *testing.T) {
	a, b := Paper(), Paper()
	b.Images.Folder, b.Program, b.Execution.Recompute = "/elsewhere", "v9", "off"
	if err := Same(a, b); err != nil {
		t.Error(err)
	}
	b.Search.Epochs = 51
	check.Error(t, Same(a, b), "epochs 50, now it would be 51")
	b = a
	b.Device.Threads = a.Device.Threads + 1
	check.Error(t, Same(a, b), "threads")
}
