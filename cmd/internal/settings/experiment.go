// Package settings resolves a command line to one plain value, the Experiment, and derives from it what
// the stages of a run need: networks, programs, plans of the pruning. Predictions, runs, benchmarks and
// exported graphs all start from the same value, so they agree.
package settings

import (
	"zos-ort/cmd/internal/host"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/prune"
	"zos-ort/prune/proxy"
)

// Schema and Version of config.json.
const (
	Schema  = "zos-ort/config"
	Version = 2
)

// Program is the version of zos-ort. The linker sets it.
var Program = "unknown"

// Experiment is everything that a run depends on, as resolved from preset and flags. Its JSON is
// config.json. It holds no handles. A section that the command does not use is empty and left out.
type Experiment struct {
	Schema  string `json:"schema"`
	Version int    `json:"version"`
	Program string `json:"program"` // version of zos-ort
	Command string `json:"command"`

	Preset string `json:"preset"`
	Seed   uint64 `json:"seed"`
	Device Device `json:"device"`
	Images Images `json:"images"`

	Space      space.Ref  `json:"space,omitzero"` // DARTS if it is left out
	Method     string     `json:"method,omitempty"`
	Network    Network    `json:"network,omitzero"`
	Ranking    Ranking    `json:"ranking,omitzero"`
	Search     Search     `json:"search,omitzero"`
	Export     Export     `json:"export,omitzero"`
	Budget     Budget     `json:"budget,omitzero"`
	Retraining Retraining `json:"retraining,omitzero"`

	Execution Execution `json:"execution,omitzero"`
}

// Network is the supernet.
type Network struct {
	Channels int `json:"channels"` // of the first cells
	Cells    int `json:"cells"`
	Partial  int `json:"partial"` // 1/Partial of the channels are mixed
}

// Ranking is zero-shot pruning and the network that it ranks.
type Ranking struct {
	MaskFile string  `json:"mask_file"` // replaces the pruning
	Xi       float64 `json:"xi"`
	Measure  string  `json:"xi_measure"`
	KeepNone bool    `json:"keep_none"`
	Keep     string  `json:"keep_operations,omitempty"` // operations that stay, with commas
	PerRound int     `json:"prune_per_round"`
	Ties     string  `json:"ties"`
	Pool     string  `json:"pool,omitempty"`   // empty: none
	Settle   float64 `json:"settle,omitempty"` // 0 is off
	Kernel   string  `json:"kernel"`
	Repeats  int     `json:"repeats"`
	Batch    int     `json:"prune_batch"`
	Batches  int     `json:"prune_batches"`
	Channels int     `json:"rank_channels"`
	Cells    int     `json:"rank_cells"`
	Partial  int     `json:"rank_partial"`
	Outputs  int     `json:"rank_outputs,omitempty"` // 0: as many as there are classes
	Rankers  string  `json:"rankers,omitempty"`      // empty: nngp
	Combine  string  `json:"combine,omitempty"`      // empty: by change
	// Epochs train the ranking network before it ranks, on half of the images; the other half ranks then.
	Epochs int `json:"rank_epochs,omitempty"`
	// AllowTies goes on where the scores of a round tell nothing apart.
	AllowTies bool `json:"allow_ties,omitempty"`
}

// Rules for operations with equal scores.
const (
	TiesFirst = "first"
	TiesLast  = "last"
)

// Ways to combine rankers.
const (
	CombineChange = "change" // sum of relative changes, line 4 of Algorithm 1
	CombineRank   = "rank"   // sum of places
)

// Search is the one-shot search.
type Search struct {
	Batch       int     `json:"batch"`
	Epochs      int     `json:"epochs"`
	Warmup      int     `json:"warmup"`
	Rate        float64 `json:"lr"`
	AlphaRate   float64 `json:"alpha_lr"` // 0: by the number of steps, see Experiment.AlphaRate
	Beta        float64 `json:"beta_reg"`
	BetaForm    string  `json:"beta_form,omitempty"` // empty: coupled
	StopOnSkips int     `json:"stop_on_skips"`       // 0 is off
	ValidImages int     `json:"valid_images"`        // 0 is all
	// Select chooses among the genotypes of the last Select epochs by training each for SelectEpochs; 0 takes
	// the last.
	Select       int `json:"select,omitempty"`
	SelectEpochs int `json:"select_epochs,omitempty"`
	// Rivals are random architectures that are trained beside what the search has found; one that is surely better is taken.
	Rivals int `json:"rivals,omitempty"`
	// Average derives the genotype from the mean of the alphas after the last epochs.
	Average int `json:"average_alphas,omitempty"`
	// Derive says what the genotype derives from; empty: the alphas.
	Derive        string  `json:"derive,omitempty"`
	PerturbImages int     `json:"perturb_images,omitempty"` // 0 is all of the validation half
	PerturbSteps  int     `json:"perturb_steps,omitempty"`
	FreezeBelow   float64 `json:"freeze_below,omitempty"` // 0 is off
	Pad           int     `json:"pad"`
	ScaleRate     string  `json:"scale_lr,omitempty"` // empty: none
}

// SearchEpochs are the epochs of a search, with one for each decision of a perturbation.
func (e Experiment) SearchEpochs() int {
	if e.Perturbs() {
		return e.Search.Epochs + e.Space.Of().Decisions()
	}
	return e.Search.Epochs
}

// Export is the derived network that a search exports untrained.
type Export struct {
	Channels int `json:"network_channels"`
	Cells    int `json:"network_cells"`
}

// Retraining is the training of a derived network from scratch.
type Retraining struct {
	Genotype  space.Genotype `json:"genotype,omitzero"`
	Channels  int            `json:"channels"`
	Cells     int            `json:"cells"`
	Auxiliary bool           `json:"auxiliary"`
	Batch     int            `json:"batch"`
	Epochs    int            `json:"epochs"`
	Rate      float64        `json:"lr"`
	DropPath  float64        `json:"drop_path"`
	Pad       int            `json:"pad"`
	Cutout    int            `json:"cutout"`
	ScaleRate string         `json:"scale_lr,omitempty"` // empty: none
}

// Execution is how a run computes, not what: it changes memory and time and may differ when a run is
// resumed.
type Execution struct {
	Passes      string `json:"passes,omitempty"`    // empty: all
	Recompute   string `json:"recompute,omitempty"` // empty: as Passes says
	MemoryLimit string `json:"gpu_memory_limit,omitempty"`
	CuDNNSearch string `json:"cudnn_search,omitempty"`
	GPUKernels  string `json:"gpu_kernels,omitempty"` // empty: stock
	CUDAGraphs  string `json:"cuda_graphs,omitempty"` // empty: off
	Dump        string `json:"dump,omitempty"`        // folder for a model that the runtime refuses
	Profile     bool   `json:"profile,omitempty"`
	Surrogate   string `json:"surrogate,omitempty"` // file that judges the result
	Truth       string `json:"truth,omitempty"`     // table that judges it
	TruthColumn string `json:"truth_column,omitempty"`
	Shard       string `json:"shard,omitempty"` // part of the ranking that the run makes, r/N
	// Ranks share the run, Local of them on this machine, of which this one is number Seat; 0 is a process alone. The
	// launcher says so anew every time.
	Ranks int `json:"-"`
	Local int `json:"-"`
	Seat  int `json:"-"`
}

// Presets.
const (
	PresetStandard = "standard"
	PresetQuick    = "quick"
	PresetPaper    = "paper"
)

// The growth of the beta regulariser's weight per epoch: lambda(e) = e/2 in the paper, where Adam scales it
// down with the rest of the gradient. As a step of its own it acts undiminished, and gets a tenth of that.
const (
	BetaSlope          = 0.5
	DecoupledBetaSlope = 0.05
)

// blank is an experiment without stages.
func blank(preset string) Experiment {
	return Experiment{Schema: Schema, Version: Version, Program: Program, Preset: preset, Seed: 1,
		Device: Device{Name: CPU, Precision: FP32, Threads: host.Processors()}}
}

// Paper is the setting of the paper's experiments: 50 epochs of which 15 are warm-up, batch 128, 8 cells
// of 16 channels, pruning over 3 initialisations and 3 batches of 128 images.
func Paper() Experiment {
	e := blank(PresetPaper)
	e.Network = Network{Channels: 16, Cells: 8}
	e.Ranking = Ranking{Xi: .5, Measure: string(prune.Operations), PerRound: 1, Ties: TiesFirst,
		Kernel: string(prune.Correlation), Repeats: 3, Batch: 128, Batches: 3}
	e.Search = Search{Batch: 128, Epochs: 50, Warmup: 15, Rate: .1, AlphaRate: 6e-4, Pad: 4, SelectEpochs: 10,
		Derive: DeriveAlphas, PerturbSteps: 195}
	e.Export = Export{Channels: 36, Cells: 20}
	return e.With(method.All[0])
}

// Standard is the paper's setting with what measurements speak for (cmd/zos-ort/doc/quality.md): operations
// are ranked on all edges at once, by more outputs and over as many initialisations as it takes, and the
// alphas move at a rate that follows from the number of steps.
func Standard() Experiment {
	e := Paper()
	e.Preset = PresetStandard
	e.Ranking.Pool, e.Ranking.Settle, e.Ranking.Outputs = string(prune.PoolNetwork), 3, manyOutputs
	e.Ranking.Repeats, e.Ranking.Batch, e.Ranking.Batches, e.Ranking.PerRound = 64, 64, 1, 3
	e.Search.AlphaRate, e.Search.BetaForm = 0, string(method.Decoupled)
	return e.With(method.All[0])
}

// Quick is the whole method on few, small images: minutes on two cores. After so few epochs a perturbation of the
// supernet decides better than the alphas (cmd/zos-ort/doc/quality.md).
func Quick() Experiment {
	e := Standard()
	e.Preset, e.Images = PresetQuick, QuickImages()
	e.Network.Channels, e.Ranking.Channels = 8, 8
	e.Search.Epochs, e.Search.Warmup, e.Search.Batch, e.Search.Pad = 12, 2, 32, 2
	e.Search.Derive, e.Search.PerturbImages, e.Search.PerturbSteps = DerivePerturbation, 512, 10
	return e
}

// In is the experiment in another space, whose networks have the sizes that its document gives; those of the quick
// preset stay small.
func (e Experiment) In(s space.Ref) Experiment {
	e.Space = s
	if s.Of() == space.DARTS {
		return e
	}
	k := s.Of().Skeleton()
	if e.Method == "" {
		if e.Preset != PresetQuick {
			e.Retraining.Channels, e.Retraining.Cells = k.Retrain.Channels, k.Retrain.Cells
			e.Retraining.Auxiliary = false
		}
		return e
	}
	if e.Preset != PresetQuick {
		e.Network.Channels, e.Network.Cells = k.Search.Channels, k.Search.Cells
	} else {
		e.Network.Cells = min(e.Network.Cells, 2*len(k.Stages))
	}
	e.Export = Export{Channels: k.Retrain.Channels, Cells: k.Retrain.Cells}
	m, _ := method.Find(e.Method) // of a preset
	return e.With(m)
}

// single makes the ranking one of single operations, which a method without a search needs: operations
// that are ranked together give all edges the same one.
func (r Ranking) single(preset string) Ranking {
	p := Paper().Ranking
	r.Pool, r.Settle, r.Repeats, r.Batches, r.PerRound = p.Pool, p.Settle, p.Repeats, p.Batches, p.PerRound
	if r.Batch = p.Batch; preset == PresetQuick {
		r.Repeats, r.Batch, r.Batches = 1, 64, 1
	}
	return r
}

// PaperRetraining is the retraining of the paper, as in DARTS: 600 epochs of 20 cells of 36 channels.
func PaperRetraining() Experiment {
	e := blank(PresetPaper)
	e.Retraining = Retraining{Channels: 36, Cells: 20, Auxiliary: true, Batch: 128, Epochs: 600,
		Rate: .025, DropPath: .3, Pad: 4, Cutout: 16}
	return e
}

// QuickRetraining trains a small network on few, small images: minutes on two cores.
func QuickRetraining() Experiment {
	e := blank(PresetQuick)
	e.Images = QuickImages()
	e.Retraining = Retraining{Channels: 8, Cells: 8, Batch: 32, Epochs: 10, Rate: .05, DropPath: .1,
		Pad: 2, Cutout: 4}
	return e
}

// PaperOnCIFAR is the paper's supernet on images of CIFAR-10's size, for plans and benchmarks that read no
// images.
func PaperOnCIFAR() Experiment {
	e := Paper()
	e.Images = Images{Size: 32, Classes: 10, OnBad: BadFails}
	return e
}

// With is the experiment with another method, whose supernet pruning ranks.
func (e Experiment) With(m method.Method) Experiment {
	e.Method, e.Network.Partial, e.Search.Beta = m.Name, m.Partial, 0
	if m.Beta {
		e.Search.Beta = BetaSlope
		if e.Search.BetaForm == string(method.Decoupled) {
			e.Search.Beta = DecoupledBetaSlope
		}
	}
	e.Ranking.Channels, e.Ranking.Cells, e.Ranking.Partial = 0, 0, 0
	if m.Mask == method.ToOne {
		e.Ranking = e.Ranking.single(e.Preset)
	}
	return e.completed()
}

// completed fills in the unset fields of the ranking network from the supernet.
func (e Experiment) completed() Experiment {
	for rank, own := range map[*int]int{&e.Ranking.Channels: e.Network.Channels,
		&e.Ranking.Cells: e.Network.Cells, &e.Ranking.Partial: e.Network.Partial} {
		if *rank == 0 {
			*rank = own
		}
	}
	return e
}

// selectRate is the learning rate at which candidates of a selection are trained.
const selectRate = .05

// Selects says whether candidates are trained for a while before one of them is the result.
func (s Search) Selects() bool { return s.Select > 0 || s.Rivals > 0 }

// Candidates is the number of these at most: genotypes of several epochs may be the same.
func (s Search) Candidates() int {
	if !s.Selects() {
		return 0
	}
	return max(1, min(s.Select, s.Epochs-s.Warmup)) + s.Rivals
}

// Selection is the short training of a candidate of --select or --rivals: the network that a genotype describes, as wide and
// deep as the supernet.
func (e Experiment) Selection(g space.Genotype) Experiment {
	s := e.Search
	e.Command, e.Method = "retrain", ""
	e.Retraining = Retraining{Genotype: g, Channels: e.Network.Channels, Cells: e.Network.Cells, Batch: s.Batch,
		Epochs: s.SelectEpochs, Rate: selectRate, Pad: s.Pad, ScaleRate: s.ScaleRate}
	return e
}

// Short is the training of Selection as an experiment of its own, which holds the images out that it tests on.
func (e Experiment) Short(g space.Genotype) Experiment {
	s, x := e.Selection(g), e.Execution
	s.Network, s.Ranking, s.Search, s.Export, s.Budget = Network{}, Ranking{}, Search{}, Export{}, Budget{}
	s.Execution = Execution{Passes: x.Passes, Recompute: x.Recompute, MemoryLimit: x.MemoryLimit, CuDNNSearch: x.CuDNNSearch,
		GPUKernels: x.GPUKernels, CUDAGraphs: x.CUDAGraphs}
	s.Images.HoldOut = true
	return s
}

// Technique is the method of the experiment; the zero Method for an unknown name, which resolving an
// experiment refuses.
func (e Experiment) Technique() method.Method {
	m, _ := method.Find(e.Method)
	return m
}

// Rankers are those of the pruning with their weights.
func (e Experiment) Rankers() ([]proxy.Proxy, []float64) {
	list, weights, _ := proxy.ParseWeighted(e.Ranking.Rankers) // Check refuses what cannot be read
	return list, weights
}

// Pruning are the settings of Algorithm 1.
func (e Experiment) Pruning() prune.Config {
	r := e.Ranking
	_, weights := e.Rankers()
	shard, _ := prune.ParseShard(e.Execution.Shard) // Check refuses what cannot be read
	keep, _ := e.kept()
	limits, _ := e.Limits() // as well
	return prune.Config{Xi: r.Xi, Measure: prune.Measure(r.Measure), KeepNone: r.KeepNone, Keep: keep,
		PerRound: r.PerRound, Repeats: r.Repeats, Pool: prune.Pool(r.Pool), Settle: r.Settle, ToOne: e.Technique().Mask == method.ToOne,
		Shard: shard, LastOfTies: r.Ties == TiesLast, AllowTies: r.AllowTies, Limits: limits, AllowNoise: e.asPublished(), Weights: weights, ByRank: r.Combine == CombineRank}
}

// asPublished reports whether operations are ranked as the source of the method has it: with few initialisations, and
// edge by edge. Such a ranking may be chance, which a warning says; it is not refused.
func (e Experiment) asPublished() bool {
	return e.Preset == PresetPaper || e.Technique().Mask == method.ToOne
}

// Prunes reports whether the run ranks operations: the method does, and no file gives the mask.
func (e Experiment) Prunes() bool { return e.Technique().Ranks() && e.Ranking.MaskFile == "" }
