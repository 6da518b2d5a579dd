package bench

import (
	"context"
	"fmt"
	"time"

	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/prune"
)

// ratioRuns of every program count, after one that touches all memory for the first time; the
// fastest is what a program takes when nothing else is in its way.
const ratioRuns = 4

// methodTime is what the steps of a method take, and what follows for the paper's setting. Programs
// that the method does not run have no time.
type methodTime struct {
	Method string  `json:"method"`
	Weight float64 `json:"weight_step_seconds,omitempty"`
	Alpha  float64 `json:"alpha_step_seconds,omitempty"`
	Rank   float64 `json:"rank_pass_seconds,omitempty"`
	// Epoch is both steps over one half of CIFAR-10; Search is pruning and search at the paper's
	// setting, without evaluation.
	Epoch  float64 `json:"epoch_seconds,omitempty"`
	Search float64 `json:"search_seconds,omitempty"`
	Paper  float64 `json:"paper_search_seconds,omitempty"`
}

// Ratios times the programs of the methods and prints them beside the paper's times.
func Ratios(ctx context.Context, p *terminal.Console, e settings.Experiment, list []method.Method,
	o ort.Options) error {
	if err := ort.Open(""); err != nil {
		return err
	}
	t := programTimes{map[string]map[string]float64{}, o}
	var rows []methodTime
	p.Start(len(list), "timing")
	defer p.Stop()
	for _, m := range list {
		e := e.With(m)
		whole, masked := map[string]float64{}, map[string]float64{}
		mask, err := e.LikelyMask()
		if m.Ranks() && err == nil { // pruning starts from the whole space
			whole, err = t.of(ctx, Case{e, space.DARTS.FullMask()})
		}
		if m.Searches() && err == nil {
			masked, err = t.of(ctx, Case{e, mask})
		}
		if err != nil {
			return err
		}
		rows = append(rows, timesOf(e, masked["weight"], masked["alpha"], whole["rank"]))
		p.Step(m.Name)
	}
	p.Stop()
	return timeTable(p, e, rows)
}

// programTimes remembers the times of the programs of a network, because methods share networks.
type programTimes struct {
	known   map[string]map[string]float64
	options ort.Options
}

func (t programTimes) of(ctx context.Context, c Case) (map[string]float64, error) {
	key := fmt.Sprint(c.Network.Partial, c.Mask)
	if times := t.known[key]; times != nil {
		return times, nil
	}
	times, err := timePrograms(ctx, c, t.options)
	t.known[key] = times
	return times, err
}

// timePrograms gives the fastest run of each program of a network in seconds.
func timePrograms(ctx context.Context, c Case, o ort.Options) (map[string]float64, error) {
	net, err := c.open(o)
	if err != nil {
		return nil, err
	}
	defer net.Close()
	best := map[string]float64{}
	for _, p := range timed {
		best[p.name], err = net.fastest(ctx, p.name, ratioRuns, ratioRuns, time.Time{})
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", c, p.name, err)
		}
	}
	return best, nil
}

// paperHalf is the number of images that train the weights, and of those that train the alphas.
const paperHalf = 25000

// timesOf adds up what a method runs at the paper's setting, whose steps are taken to cost per image
// what they cost at the batch that was measured.
func timesOf(e settings.Experiment, weight, alpha, rank float64) methodTime {
	paper, m := settings.Paper(), e.Technique()
	perImage := 1 / float64(e.Search.Batch)
	t := methodTime{Method: m.Name, Paper: paperSeconds(m.Name)}
	if m.Ranks() {
		t.Rank = rank
		images := paper.Ranking.Repeats * paper.Ranking.Batches * paper.Ranking.Batch
		t.Search += float64(rankedNetworks(m, e.Ranking.Xi)*images) * perImage * t.Rank
	}
	if m.Searches() {
		t.Weight, t.Alpha = weight, alpha
		t.Epoch = paperHalf * perImage * (t.Weight + t.Alpha)
		searching := float64(paper.Search.Epochs - paper.Search.Warmup)
		t.Search += paperHalf * perImage * (float64(paper.Search.Epochs)*t.Weight + searching*t.Alpha)
	}
	return t
}

// rankedNetworks is how many networks a repeat of the paper's pruning scores. A xi that it cannot
// reach ends where every edge has one operation left.
func rankedNetworks(m method.Method, xi float64) (n int) {
	paper := settings.Paper().With(m)
	paper.Ranking.Xi, paper.Ranking.Repeats = xi, 1
	plan, _ := prune.Plan(paper.Pruning(), space.DARTS.FullMask()) // what it has planned before an error counts
	for _, r := range paper.Rounds(plan) {
		n += r.Networks
	}
	return n
}

// timeTable prints the times and their ratios to DARTS.
func timeTable(p *terminal.Console, e settings.Experiment, rows []methodTime) error {
	var darts methodTime
	for _, r := range rows {
		if r.Method == "darts" {
			darts = r
		}
	}
	var cells [][]string
	for _, r := range rows {
		cells = append(cells, []string{r.Method, terminal.OptionalSeconds(r.Weight, 3), terminal.OptionalSeconds(r.Alpha, 3),
			terminal.OptionalSeconds(r.Rank, 3), terminal.OptionalSeconds(r.Epoch, 0), terminal.Ratio(r.Epoch, darts.Epoch),
			terminal.OptionalSeconds(r.Search/3600, 2), terminal.Ratio(r.Search, darts.Search),
			terminal.Ratio(r.Paper, paperSeconds("darts"))})
	}
	p.Result("seconds at batch %d, %d channels, %d cells, %dx%d images; an epoch is both steps over %d "+
		"images, a search that of the paper with its pruning", e.Search.Batch, e.Network.Channels, e.Network.Cells,
		e.Images.Size, e.Images.Size, paperHalf)
	err := p.Table([]string{"method", "weight step", "alpha step", "ranking", "epoch", "to darts",
		"search in hours", "to darts", "paper to darts"}, cells)
	if err != nil {
		return err
	}
	return p.Value(map[string]any{"config": e, "rows": rows})
}

// paperSeconds is the search time of the paper's Table 1 for CIFAR-10; 0 for a method that is not in
// it.
func paperSeconds(name string) float64 {
	n, _ := method.Paper("cifar-10", name)
	return n.Seconds
}
