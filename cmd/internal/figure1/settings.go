// Package figure1 draws architectures with and without random masks and compares their scores: Figure 1 of
// "Half Search Space is All You Need".
package figure1

import (
	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/surrogate"
	"zos-ort/cmd/internal/terminal"
)

// Schema of the config.json of figure1.
const (
	schema        = "zos-ort/figure1"
	schemaVersion = 2
)

// What scores architectures.
const (
	ScoreSurrogate = "surrogate"
	ScoreNNGP      = "nngp"
)

// Numbers of architectures in a group: what --samples is without the flag, and its limit.
const (
	surrogateSamples = 100000
	nngpSamples      = 200
	maxSamples       = 10_000_000
)

// Settings is everything that figure1 depends on.
type Settings struct {
	Schema  string `json:"schema"`
	Version int    `json:"version"`
	Program string `json:"program"`

	Score   string  `json:"score"`
	Samples int     `json:"samples"`
	Xi      float64 `json:"xi"`
	Masks   int     `json:"masks"` // 0: a fresh one for every architecture
	Bins    int     `json:"bins"`
	Seed    uint64  `json:"seed"`
	Threads int     `json:"threads"`

	Surrogate *surrogate.File `json:"surrogate,omitempty"`
	// NNGP is the experiment whose supernet ranks the architectures.
	NNGP *settings.Experiment `json:"nngp,omitempty"`
}

// Parse reads the command line.
func Parse(c *cli.Context) (*Settings, error) {
	s := &Settings{Schema: schema, Version: schemaVersion, Program: settings.Program,
		Score: c.String("score"), Samples: c.Int("samples"), Xi: c.Float64("xi"), Masks: c.Int("masks"),
		Bins: c.Int("bins"), Seed: c.Uint64("seed"), Threads: c.Int("threads")}
	if s.Score == "" {
		s.Score = ScoreSurrogate
	}
	if !c.IsSet("samples") {
		s.Samples = surrogateSamples
		if s.Score == ScoreNNGP {
			s.Samples = nngpSamples
		}
	}
	if s.Threads == 0 {
		s.Threads = host.Processors()
	}
	if err := s.check(c); err != nil {
		return nil, err
	}
	if err := host.CheckLimits(s.Threads, 0); err != nil {
		return nil, err
	}
	if s.Score == ScoreSurrogate {
		var err error
		s.Surrogate, err = surrogate.Read(c.String("surrogate"), c.Int("batch"), c.Int("epoch"))
		return s, err
	}
	return s, s.readNNGP(c)
}

func (s *Settings) check(c *cli.Context) error {
	switch {
	case s.Score != ScoreSurrogate && s.Score != ScoreNNGP:
		return terminal.Usagef("unknown --score %q: use %s or %s", s.Score, ScoreSurrogate, ScoreNNGP)
	case s.Score == ScoreSurrogate && !c.IsSet("surrogate"):
		return terminal.Usagef("figure1 needs --surrogate FILE (YAHPO Gym's nb301/model.onnx) or --score nngp")
	case s.Samples < 2 || s.Samples > maxSamples:
		return terminal.Usagef("--samples must lie between 2 and %d, got %d", maxSamples, s.Samples)
	case !(s.Xi > 0 && s.Xi < 1):
		return terminal.Usagef("--xi must lie between 0 and 1, got %v", s.Xi)
	case s.Masks < 0 || s.Masks > s.Samples:
		return terminal.Usagef("--masks must lie between 0 and the %d samples, got %d", s.Samples, s.Masks)
	case s.Bins < 2 || s.Bins > 1000:
		return terminal.Usagef("--bins must lie between 2 and 1000, got %d", s.Bins)
	case s.Threads < 1:
		return terminal.Usagef("--threads must not be negative, got %d", s.Threads)
	}
	other := append(NNGPOptions.Names(), "ignore-memory")
	if s.Score == ScoreNNGP {
		other = surrogateFlags
	}
	for _, name := range other {
		if c.IsSet(name) {
			return terminal.Usagef("--%s has no meaning with --score %s", name, s.Score)
		}
	}
	return nil
}

// NNGPOptions are the flags of --score nngp alone.
var NNGPOptions = settings.Join(settings.ImageOptions, settings.SupernetOptions.Only("channels", "cells"),
	settings.RankOptions.Only("rank-partial").Renamed("partial", "nngp: mix the first 1/`N` of the channels"),
	settings.PruneOptions.Only("kernel", "repeats", "prune-batch", "prune-batches"))

// surrogateFlags only apply to --score surrogate.
var surrogateFlags = []string{"surrogate", "batch", "epoch"}

// NNGP is the experiment whose supernet ranks architectures unless flags change it.
func NNGP() settings.Experiment {
	e := settings.Quick()
	e.Method, e.Network = "etenas", settings.Network{Channels: 8, Cells: 5, Partial: 1}
	e.Ranking.Channels, e.Ranking.Cells, e.Ranking.Partial = 8, 5, 1
	e.Images.OnBad, e.Search.Derive = settings.BadFails, settings.DeriveAlphas // nothing is searched
	return e
}

func (s *Settings) readNNGP(c *cli.Context) error {
	e := NNGP()
	NNGPOptions.Apply(c, "", &e)
	e.Command, e.Seed, e.Device.Threads = "figure1", s.Seed, s.Threads
	e.Network.Partial = e.Ranking.Partial
	e.Ranking.Channels, e.Ranking.Cells = e.Network.Channels, e.Network.Cells
	e.Images.Complete(c.IsSet("image-size"))
	if err := e.Images.Check(); err != nil {
		return err
	}
	s.NNGP = &e
	return e.Check()
}
