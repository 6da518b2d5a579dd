// Package rank scores given architectures by zero-cost proxies and says how well the scores agree with their
// accuracies.
package rank

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"zos-ort/cmd/internal/archs"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/stages"
	"zos-ort/cmd/internal/stats"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/graphgen/pass"
	"zos-ort/models/network"
	"zos-ort/models/safe"
	"zos-ort/models/space"
	"zos-ort/models/stream"
	"zos-ort/ort"
	"zos-ort/prune/proxy"
	"zos-ort/prune/ranking"
	"zos-ort/search/data"
)

// Settings say what is scored and how.
type Settings struct {
	Architectures string              `json:"architectures"`
	Column        string              `json:"column,omitempty"` // of the accuracy
	Sample        int                 `json:"sample"`           // architectures; 0 is all
	Rankers       []string            `json:"rankers"`
	PoolNorm      bool                `json:"pool_norm"`  // batch norms after pools, as in NASLib
	Experiment    settings.Experiment `json:"experiment"` // images, network, repeats, batches

	proxies []proxy.Proxy
}

// Use takes the proxies over.
func (s *Settings) Use(list []proxy.Proxy) {
	s.proxies = list
	for _, p := range list {
		s.Rankers = append(s.Rankers, p.Name)
	}
}

// Check refuses what cannot be scored.
func (s *Settings) Check() error {
	r, n := s.Experiment.Ranking, s.Experiment.Network
	switch {
	case s.Sample != 0 && s.Sample < 3:
		return terminal.Usagef("--sample must be at least 3 (0: all), got %d", s.Sample)
	case r.Repeats < 1:
		return terminal.Usagef("--repeats must be at least 1, got %d", r.Repeats)
	case r.Batch < 2 || r.Batches < 1:
		return terminal.Usagef("--batch must be at least 2 and --batches at least 1, got %d and %d", r.Batch, r.Batches)
	case slices.Contains(s.Rankers, "zico") && r.Batches < 2:
		return terminal.Usagef("ranker zico needs --batches 2 or more, got %d", r.Batches)
	case n.Channels < 2 || n.Channels%2 != 0 || n.Cells < 1:
		return terminal.Usagef("--channels must be even and at least 2, --cells at least 1, got %d and %d", n.Channels, n.Cells)
	}
	return nil
}

// Verdict says how good a proxy is.
type Verdict struct {
	Ranker string `json:"ranker"`
	Needs  string `json:"needs"`
	// Correlations with the accuracies: over all architectures, and over the best fifth of them.
	Spearman     *float64 `json:"spearman,omitempty"`
	Kendall      *float64 `json:"kendall,omitempty"`
	SpearmanBest *float64 `json:"spearman_in_best_fifth,omitempty"`
	// Repeats is the mean Spearman correlation between two repeats.
	Repeats *float64 `json:"agreement_of_repeats,omitempty"`
	// File is the Spearman correlation with the file's own column of this name, if it has one.
	File    *float64 `json:"spearman_with_file,omitempty"`
	Seconds float64  `json:"seconds_per_architecture"`
	// Without is the number of architectures to which the ranker gives no number. They count as the worst.
	Without int `json:"without_score,omitempty"`
}

// Result is what rank prints with --json.
type Result struct {
	Settings      Settings  `json:"settings"`
	Architectures int       `json:"architectures"`
	Verdicts      []Verdict `json:"rankers"`

	rows   []int // of the file
	scores [][]float64
}

// Run scores the architectures, or a sample of them.
func (s *Settings) Run(ctx context.Context, f *archs.File, truth []float64, train *data.Set,
	p *terminal.Console) (*Result, error) {
	rows := s.rows(len(f.Genotypes))
	r := &Result{Settings: *s, Architectures: len(rows), rows: rows}
	if truth != nil {
		truth = at(truth, rows)
	}
	defer p.Stop()
	repeats := s.Experiment.Ranking.Repeats
	for _, x := range s.proxies { // each by itself, so that each has a time of its own
		p.Start(len(rows)*repeats, x.Name)
		start := time.Now()
		scores, err := s.score(ctx, f, rows, train, x, func() { p.Step("") })
		if err != nil {
			return nil, err
		}
		p.Stop()
		v, mean, err := s.verdict(x, scores, truth, f, rows)
		if err != nil {
			return nil, err
		}
		v.Seconds = time.Since(start).Seconds() / float64(len(rows)*repeats)
		r.Verdicts, r.scores = append(r.Verdicts, v), append(r.scores, mean)
		p.Say("%s: done in %.2f s an architecture", x.Name, v.Seconds)
	}
	return r, nil
}

// rows draws the sample.
func (s *Settings) rows(n int) []int {
	rows := stream.New(s.Experiment.Seed, stream.RankSample, 0).Perm(n)
	if s.Sample > 0 && s.Sample < n {
		rows = rows[:s.Sample]
	}
	slices.Sort(rows)
	return rows
}

// score gives the scores of a proxy by repeat and row. Workers of one thread share the rows.
func (s *Settings) score(ctx context.Context, f *archs.File, rows []int, train *data.Set, x proxy.Proxy,
	step func()) ([][]float64, error) {
	e := s.Experiment
	order := make([]int, len(rows))
	for i := range order {
		order[i] = i
	}
	scores := make([][]float64, e.Ranking.Repeats)
	var mu sync.Mutex
	for repeat := range scores {
		batches, err := stages.RankingBatches(ctx, e, train, repeat)
		if err != nil {
			return nil, err
		}
		scores[repeat] = make([]float64, len(rows))
		err = safe.Share(ctx, e.Device.Threads, order, func(_, i int) error {
			net := s.network(f.Genotypes[rows[i]], repeat, batches)
			one, err := ranking.Scores(ctx, net, []proxy.Proxy{x})
			var none *proxy.NoScore
			if errors.As(err, &none) { // worse than all that have one
				one, err = []float64{math.Inf(-1)}, nil
			}
			if err != nil {
				return fmt.Errorf("architecture in row %d: %w", rows[i]+2, err)
			}
			scores[repeat][i] = one[0]
			mu.Lock()
			defer mu.Unlock()
			step()
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return scores, nil
}

// network is an architecture's network with the weights of a repeat.
func (s *Settings) network(g space.Genotype, repeat int, batches []ranking.Batch) ranking.Network {
	e := s.Experiment
	net := network.Config{Genotype: g, Channels: e.Network.Channels, Cells: e.Network.Cells, Classes: e.RankOutputs(),
		PoolNorm: s.PoolNorm}
	return ranking.Network{Spec: net.Spec(e.Ranking.Batch, e.Images.Size, pass.Lowering{Target: pass.CPUKernels, Passes: pass.All}),
		Weights: func(l graphgen.Layout) []float32 {
			return l.Initialize(stream.New(e.Seed, stream.RankWeights, uint64(repeat)))
		},
		Batches: batches, Options: ort.Options{Threads: 1}}
}

// verdict compares the scores of a proxy, by repeat and row, with the accuracies and with the file's own; mean is
// the score over the repeats.
func (s *Settings) verdict(x proxy.Proxy, scores [][]float64, truth []float64, f *archs.File,
	rows []int) (v Verdict, mean []float64, err error) {
	v = Verdict{Ranker: x.Name, Needs: x.Needs.String()}
	mean = make([]float64, len(rows))
	for _, repeat := range scores {
		for i, y := range repeat {
			mean[i] += y / float64(len(scores))
		}
	}
	for _, y := range mean {
		if math.IsInf(y, -1) {
			v.Without++
		}
	}
	if truth != nil {
		best := bestFifth(truth)
		v.Spearman, v.Kendall = known(stats.Spearman(mean, truth)), known(stats.Kendall(mean, truth))
		v.SpearmanBest = known(stats.Spearman(at(mean, best), at(truth, best)))
	}
	if len(scores) > 1 {
		sum, pairs := 0., 0.
		for i := range scores {
			for j := range i {
				sum, pairs = sum+stats.Spearman(scores[i], scores[j]), pairs+1
			}
		}
		v.Repeats = known(sum / pairs)
	}
	if f.Has(x.Name) {
		own, err := f.Column(x.Name)
		if err != nil {
			return v, nil, err
		}
		v.File = known(stats.Spearman(mean, at(own, rows)))
	}
	return v, mean, nil
}

// known is nil for NaN, which a constant side gives.
func known(x float64) *float64 {
	if math.IsNaN(x) {
		return nil
	}
	return &x
}

// Print prints a table of the proxies.
func (r *Result) Print(p *terminal.Console) error {
	p.Result("%d architectures, %d repeats, networks of %d cells and %d channels", r.Architectures,
		r.Settings.Experiment.Ranking.Repeats, r.Settings.Experiment.Network.Cells, r.Settings.Experiment.Network.Channels)
	var rows [][]string
	for _, v := range r.Verdicts {
		rows = append(rows, []string{v.Ranker, v.Needs, two(v.Spearman), two(v.Kendall), two(v.SpearmanBest),
			two(v.Repeats), two(v.File), fmt.Sprintf("%.2f", v.Seconds)})
	}
	for _, v := range r.Verdicts {
		if v.Without > 0 {
			p.Result("%s gives no number to %d of them, which count as the worst", v.Ranker, v.Without)
		}
	}
	return p.Table([]string{"ranker", "needs", "Spearman", "Kendall", "in the best fifth", "between repeats",
		"with the file's own", "s an architecture"}, rows)
}

func two(x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f", *x)
}

// Save writes rank.json and scores.csv, the score of every architecture by its row in the file.
func (r *Result) Save(d rundir.Dir) error {
	if err := d.WriteJSON("rank.json", r); err != nil {
		return err
	}
	rows := [][]string{append([]string{"row"}, r.Settings.Rankers...)}
	for i, row := range r.rows {
		line := []string{strconv.Itoa(row + 2)}
		for _, s := range r.scores {
			line = append(line, terminal.Number(s[i]))
		}
		rows = append(rows, line)
	}
	return d.Write("scores.csv", terminal.CSV(rows))
}
