package sweeping

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
)

// Matrix is what a sweep runs, resolved.
type Matrix struct {
	Schema   string   `json:"schema"`
	Version  int      `json:"version"`
	Program  string   `json:"program"`
	Methods  []string `json:"methods"`
	Data     []string `json:"data"` // folders; "" for the built-in images
	Seed     uint64   `json:"first_seed"`
	Seeds    int      `json:"seeds"`
	Retrain  bool     `json:"retrain"`
	RankBy   string   `json:"rank_by,omitempty"`
	Keep     int      `json:"keep,omitempty"` // runs of every data set that are retrained; 0: all
	Executor string   `json:"executor"`
	Jobs     int      `json:"jobs"`
	Threads  int      `json:"threads"` // of one job

	// Judge, if not nil, prints how good the genotypes and masks of all runs are, and returns the verdict.
	Judge func(context.Context) (any, error) `json:"-"`
	// Begun, if not nil, is told of the folder as soon as it is that of a sweep.
	Begun func(folder string) `json:"-"`

	// set completes the settings of every search.
	set     func(*settings.Experiment)
	methods []method.Method
	budget  int64  // bytes for all processes together
	mount   string // of the volume that pods see; "" without Kubernetes
	gpu     bool   // runs need one
	cells   []plannedCell
}

// Schema of sweep.json.
const (
	sweepSchema  = "zos-ort/sweep"
	sweepVersion = 2
)

// Resolve reads the command line of a sweep.
func Resolve(c *cli.Context, p *terminal.Console) (Matrix, error) {
	return ResolveWith(c, p, func(*settings.Experiment) {})
}

// ResolveWith reads the command line and resolves the experiment of every cell, so that bad settings are reported
// before anything is written. What set sets holds for every search, whatever the command line says.
func ResolveWith(c *cli.Context, p *terminal.Console, set func(*settings.Experiment)) (x Matrix, err error) {
	x = Matrix{Schema: sweepSchema, Version: sweepVersion, Program: settings.Program, Seed: c.Uint64("seed"),
		Seeds: c.Int("seeds"), Retrain: c.Bool("retrain"), RankBy: c.String("rank-by"), Keep: c.Int("keep"), Executor: c.String("executor"),
		Jobs: c.Int("jobs"), Threads: c.Int("threads"), set: set}
	if x.methods, err = method.Parse(c.String("methods")); err != nil {
		return x, terminal.Usage(err)
	}
	for _, m := range x.methods {
		if slices.Contains(x.Methods, m.Name) {
			return x, terminal.Usagef("--methods names %s twice", m.Name)
		}
		x.Methods = append(x.Methods, m.Name)
	}
	if x.Data, err = dataFolders(c); err != nil {
		return x, err
	}
	if err := x.check(c); err != nil {
		return x, err
	}
	if x.Threads == 0 {
		x.Threads = host.Processors()
	}
	x.Threads = max(1, x.Threads/max(1, x.Jobs))
	if x.Executor != Local {
		x.Threads = max(1, c.Int("threads"))
	}
	settings.WarnThreads(x.Threads, p)
	if x.budget, err = memoryBudget(c); err != nil {
		return x, err
	}
	var labels []string
	for _, folder := range x.Data {
		list, err := x.ofData(c, p, folder, labels)
		if err != nil {
			return x, err
		}
		labels = append(labels, list[0].Data)
		x.cells = append(x.cells, list...)
	}
	return x, nil
}

// DataName is the name of the first data set.
func (x Matrix) DataName() string { return x.cells[0].Data }

// check refuses what no sweep could do.
func (x *Matrix) check(c *cli.Context) error {
	switch {
	case x.Seeds < 1:
		return terminal.Usagef("--seeds must be at least 1, got %d", x.Seeds)
	case x.Executor != Local && x.Executor != Slurm && x.Executor != Kubernetes:
		return terminal.Usagef("unknown executor %q: use %s, %s or %s", x.Executor, Local, Slurm, Kubernetes)
	case x.Jobs < 0 || x.Jobs == 0 && x.Executor == Local:
		return terminal.Usagef("--jobs must be at least 1, got %d", x.Jobs)
	case x.Threads < 0:
		return terminal.Usagef("--threads must be at least 0, got %d", x.Threads)
	case x.Executor != Slurm && (c.IsSet("slurm-args") || c.Bool("no-wait")):
		return terminal.Usagef("--slurm-args and --no-wait are for --executor slurm")
	}
	if name, given := RetrainOptions.Given(c, RetrainPrefix); given && !x.Retrain {
		return terminal.Usagef("--%s has no effect without --retrain", name)
	}
	if err := x.checkKubernetes(c); err != nil {
		return err
	}
	return x.checkRanking(c)
}

// ofData are the cells of a data set: method by method, seed by seed.
func (x *Matrix) ofData(c *cli.Context, p *terminal.Console, folder string,
	taken []string) (list []plannedCell, err error) {
	if folder != "" {
		if folder, err = filepath.Abs(folder); err != nil {
			return nil, fmt.Errorf("--data: %w", err)
		}
	}
	r := resolver{c: c, console: p, folder: folder, threads: x.Threads, budget: x.budget, first: x.Seed, set: x.set, visible: x.visible,
		retrain: x.Retrain, ranks: x.RankBy != "", needs: map[string]memory.Need{}, images: imageCache{}, testImages: imageCache{}}
	for _, m := range x.methods {
		for i := range x.Seeds {
			cell, name, err := r.cell(m, x.Seed+uint64(i))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.Name, err)
			}
			cell.Data = dataLabel(folder, name, taken)
			x.gpu = x.gpu || cell.gpu
			list = append(list, cell)
		}
	}
	return list, nil
}

// memoryBudget is what the processes may need together. A scheduler gives each its own.
func memoryBudget(c *cli.Context) (int64, error) {
	if c.IsSet("memory") {
		n, err := terminal.ParseSize(c.String("memory"))
		if err != nil {
			return 0, terminal.Usage(err)
		}
		return int64(n), nil
	}
	if free, ok := host.FreeMemory(); ok && c.String("executor") == Local {
		return free / 5 * 4, nil
	}
	return math.MaxInt64, nil
}

// dataLabel is the name of a data set in folders and tables: that of its training images without the
// word train, different from those that are taken.
func dataLabel(folder, name string, taken []string) string {
	base := strings.ReplaceAll(strings.TrimSuffix(name, " train"), " ", "-")
	if folder == "" {
		base = BuiltIn
	}
	label := base
	for i := 2; slices.Contains(taken, label); i++ {
		label = base + "-" + strconv.Itoa(i)
	}
	return label
}

// BuiltIn is the value of --data that means the generated images.
const BuiltIn = "built-in"

// dataFolders are the folders of --data, each once; "" for the built-in images.
func dataFolders(c *cli.Context) ([]string, error) {
	var list []string
	for _, d := range c.StringSlice("data") {
		if d = strings.TrimSpace(d); d == BuiltIn {
			d = ""
		}
		if slices.Contains(list, d) {
			return nil, terminal.Usagef("--data names %q twice", d)
		}
		list = append(list, d)
	}
	if list == nil {
		list = []string{""}
	}
	return list, nil
}
