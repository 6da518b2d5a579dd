package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
	"zos-ort/prune"
)

// Schema of the config.json of figure1.
const (
	figureSchema  = "zos-ort/figure1"
	figureVersion = 1
)

// What scores architectures.
const (
	scoreSurrogate = "surrogate"
	scoreNNGP      = "nngp"
)

// Numbers of architectures in a group: what --samples is without the flag, and its limit.
const (
	surrogateSamples = 100000
	nngpSamples      = 200
	maxSamples       = 10_000_000
)

// lastEpoch is the last one that NAS-Bench-301 has curves for.
const lastEpoch = 98

// figureSettings is everything that figure1 depends on.
type figureSettings struct {
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

	Surrogate *surrogateSettings `json:"surrogate,omitempty"`
	NNGP      *nngpSettings      `json:"nngp,omitempty"`
}

type surrogateSettings struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	Batch  int    `json:"batch"`
	Epoch  int    `json:"epoch"`

	model []byte
}

type nngpSettings struct {
	dataSettings
	Channels     int    `json:"channels"`
	Cells        int    `json:"cells"`
	Partial      int    `json:"partial"`
	Kernel       string `json:"kernel"`
	Repeats      int    `json:"repeats"`
	PruneBatch   int    `json:"prune_batch"`
	PruneBatches int    `json:"prune_batches"`
}

// figureFlagsOf reads the command line.
func figureFlagsOf(c *cli.Context) (*figureSettings, error) {
	s := &figureSettings{Schema: figureSchema, Version: figureVersion, Program: version,
		Score: c.String("score"), Samples: c.Int("samples"), Xi: c.Float64("xi"), Masks: c.Int("masks"),
		Bins: c.Int("bins"), Seed: c.Uint64("seed"), Threads: c.Int("threads")}
	if s.Score == "" {
		s.Score = scoreSurrogate
	}
	if !c.IsSet("samples") {
		s.Samples = surrogateSamples
		if s.Score == scoreNNGP {
			s.Samples = nngpSamples
		}
	}
	if s.Threads == 0 {
		s.Threads = runtime.NumCPU()
	}
	if err := s.check(c); err != nil {
		return nil, err
	}
	if s.Score == scoreSurrogate {
		return s, s.readSurrogate(c)
	}
	return s, s.readNNGP(c)
}

func (s *figureSettings) check(c *cli.Context) error {
	switch {
	case s.Score != scoreSurrogate && s.Score != scoreNNGP:
		return terminal.Usagef("unknown --score %q: use %s or %s", s.Score, scoreSurrogate, scoreNNGP)
	case s.Score == scoreSurrogate && !c.IsSet("surrogate"):
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
	other := nngpFlags()
	if s.Score == scoreNNGP {
		other = surrogateFlags()
	}
	for _, f := range other {
		if name := f.Names()[0]; c.IsSet(name) {
			return terminal.Usagef("--%s has no meaning with --score %s", name, s.Score)
		}
	}
	return nil
}

func (s *figureSettings) readSurrogate(c *cli.Context) error {
	f := &surrogateSettings{File: c.String("surrogate"), Batch: c.Int("batch"), Epoch: c.Int("epoch")}
	switch {
	case f.Batch < 1 || f.Batch > maxSamples:
		return terminal.Usagef("--batch must lie between 1 and %d, got %d", maxSamples, f.Batch)
	case f.Epoch < 1 || f.Epoch > lastEpoch:
		return terminal.Usagef("--epoch must lie between 1 and %d, got %d", lastEpoch, f.Epoch)
	}
	var err error
	if f.model, err = os.ReadFile(f.File); err != nil {
		return fmt.Errorf("surrogate: %w", err)
	}
	f.SHA256 = fmt.Sprintf("%x", sha256.Sum256(f.model))
	s.Surrogate = f
	return nil
}

func (s *figureSettings) readNNGP(c *cli.Context) error {
	s.NNGP = &nngpSettings{dataSettings: quickImages, Channels: c.Int("channels"), Cells: c.Int("cells"),
		Partial: c.Int("partial"), Kernel: c.String("kernel"), Repeats: c.Int("repeats"),
		PruneBatch: c.Int("prune-batch"), PruneBatches: c.Int("prune-batches")}
	n := s.NNGP
	if err := n.fromFlags(c); err != nil {
		return err
	}
	if _, err := prune.ParseKernel(n.Kernel); err != nil {
		return terminal.Usage(err)
	}
	n.Classes = 2 // until the data set is known
	if err := s.config().supernet(space.FullMask()).Validate(); err != nil {
		return terminal.Usage(err)
	}
	if min(n.Repeats, n.PruneBatch, n.PruneBatches) < 1 {
		return terminal.Usagef("--repeats, --prune-batch and --prune-batches must be at least 1")
	}
	return nil
}

// config are the settings of a search with the supernet that architectures are ranked in.
func (s *figureSettings) config() *config {
	cfg, n := quickPreset(), s.NNGP
	cfg.Seed, cfg.Thread = s.Seed, s.Threads
	cfg.dataSettings = n.dataSettings
	cfg.Channels, cfg.Cells, cfg.Partial = n.Channels, n.Cells, n.Partial
	cfg.Kernel, cfg.Repeats = n.Kernel, n.Repeats
	cfg.PruneBatch, cfg.PruneBatches = n.PruneBatch, n.PruneBatches
	cfg.completeRank()
	return &cfg
}
