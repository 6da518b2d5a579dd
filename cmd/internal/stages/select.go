package stages

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/gonum/stat"

	"zos-ort/cmd/internal/forecast"
	"zos-ort/cmd/internal/images"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/ranks"
	"zos-ort/models/space"
	"zos-ort/models/stream"
	"zos-ort/ort/program"
	"zos-ort/search/checkpoint"
	"zos-ort/search/retrain"
	"zos-ort/search/train"
)

// Candidate is a genotype that a selection has trained.
type Candidate struct {
	Epoch    int            `json:"epoch"`           // of the search, from 0
	Rival    int            `json:"rival,omitempty"` // number of a random architecture, from 1: then there is no epoch
	Genotype space.Genotype `json:"genotype"`
	ValidAcc float64        `json:"valid_accuracy"` // of its own network, not of the supernet
}

func (c Candidate) String() string {
	if c.Rival > 0 {
		return fmt.Sprintf("random architecture %d", c.Rival)
	}
	return fmt.Sprintf("candidate of epoch %d", c.Epoch+1)
}

// choose trains the genotypes of the last epochs and random architectures, each as a network of its own on the images that
// have trained the weights, and takes the one with the highest accuracy on the others. All have the same weights and batches
// where their networks agree. A random architecture has to be surely better than all that the search has found. It resumes
// from the last checkpoint.
func (r *Run) choose(ctx context.Context, last int, out *SearchResult) error {
	var list []Candidate
	var err error
	if r.leads() {
		list, err = r.candidates(last, out.Genotype)
	}
	if err == nil {
		err = ranks.Share(r.Ranks, &list, 0)
	}
	if err != nil {
		return err
	}
	if len(list) < 2 {
		r.Console.Say("nothing to choose from: the epochs after the warm-up have one genotype")
		return nil
	}
	weights, valid, err := images.Halves(r.train, r.Seed)
	if err != nil {
		return err
	}
	rec, from, err := newSelectRecorder(r)
	if err != nil {
		return err
	}
	defer r.Console.Stop()
	for i := len(rec.saved.Done); i < len(list); i++ {
		rec.at = i
		cfg, err := RetrainConfig(r.Experiment.Selection(list[i].Genotype))
		if err != nil {
			return err
		}
		cfg.Options, cfg.Ranks = r.Device.Options(r.Experiment), r.Ranks
		res, err := retrain.Run(ctx, cfg, weights, valid, from, rec)
		if err != nil {
			return err
		}
		list[i].ValidAcc, from = res.Last.TestAcc, nil
		rec.saved.Done = append(rec.saved.Done, list[i])
		r.Console.Say("%v: validation accuracy %.2f %%", list[i], 100*list[i].ValidAcc)
	}
	s := selection{rec.saved.Done, valid.Len()}
	best := s.best()
	r.Console.Say("chosen: %v", best)
	out.Genotype, out.Selected = best.Genotype, s.list
	if out.Rivals = s.rivals(); out.Rivals != nil && best.Rival > 0 {
		r.Console.Warn("a random architecture is better than what the search found: it is taken")
	}
	if err := r.Dir.Write("selection.csv", s.csv()); err != nil {
		return err
	}
	return rec.store.Finish()
}

// candidates are the different genotypes of the last epochs up to last, the latest first, or what the search has found, and
// random architectures of the space.
func (r *Run) candidates(last int, found space.Genotype) (list []Candidate, err error) {
	seen := map[space.Genotype]bool{}
	add := func(c Candidate) {
		if key := c.Genotype.Canonical(); !seen[key] {
			seen[key] = true
			list = append(list, c)
		}
	}
	x := r.Experiment.Search
	if x.Select == 0 {
		add(Candidate{Epoch: last, Genotype: found})
	}
	for epoch := last; epoch >= x.Warmup && epoch > last-x.Select; epoch-- {
		g, err := space.ReadGenotype(r.Dir.Path(genotypeOfEpoch(epoch)))
		if err != nil {
			return nil, err
		}
		add(Candidate{Epoch: epoch, Genotype: g})
	}
	limits, err := r.Limits()
	if err != nil {
		return nil, err
	}
	for i := range x.Rivals {
		g, err := limits.Random(stream.New(r.Seed, stream.Rivals, uint64(i)), r.Space.Of().FullMask())
		if err != nil {
			return nil, err
		}
		add(Candidate{Rival: i + 1, Genotype: g})
	}
	return list, nil
}

// selection are candidates that were trained, and the number of images that judge them.
type selection struct {
	list   []Candidate
	images int
}

// best is the first of those with the highest accuracy among what the search has found, or a random architecture that is
// surely better: accuracies of short trainings are noisy, and one of several is easily the best by chance.
func (s selection) best() Candidate {
	var best [2]Candidate // found, random
	for _, c := range s.list {
		if of := &best[min(c.Rival, 1)]; of.Genotype == (space.Genotype{}) || c.ValidAcc > of.ValidAcc {
			*of = c
		}
	}
	found, random := best[0], best[1]
	variance := (found.ValidAcc*(1-found.ValidAcc) + random.ValidAcc*(1-random.ValidAcc)) / float64(s.images)
	if random.Rival > 0 && random.ValidAcc-found.ValidAcc > sure*math.Sqrt(variance) {
		return random
	}
	return found
}

// Rivals is what a search has found beside random architectures that were trained alike: validation accuracies of networks
// of their own.
type Rivals struct {
	Found     float64 `json:"found"` // the best of it
	Mean      float64 `json:"mean"`
	Deviation float64 `json:"deviation"` // of one random architecture; 0 if there is one alone
	Best      float64 `json:"best"`
	Count     int     `json:"count"`
}

func (v Rivals) String() string {
	return fmt.Sprintf("trained for a while, what the search found recognises %.2f %% of the validation images; %s %.2f ± %.2f %%, at best %.2f %%",
		100*v.Found, terminal.Count(v.Count, "random architecture"), 100*v.Mean, 100*v.Deviation, 100*v.Best)
}

// rivals compares; nil without random architectures.
func (s selection) rivals() *Rivals {
	var v Rivals
	var random []float64
	for _, c := range s.list {
		if c.Rival > 0 {
			random = append(random, c.ValidAcc)
			v.Best = max(v.Best, c.ValidAcc)
		} else {
			v.Found = max(v.Found, c.ValidAcc)
		}
	}
	if v.Count = len(random); v.Count == 0 {
		return nil
	}
	if v.Mean = stat.Mean(random, nil); v.Count > 1 {
		v.Deviation = stat.StdDev(random, nil)
	}
	return &v
}

// genotypeOfEpoch is where the genotype of an epoch is saved.
func genotypeOfEpoch(epoch int) string { return fmt.Sprintf("genotypes/epoch-%03d.json", epoch) }

func (s selection) csv() []byte {
	best := s.best()
	rows := [][]string{{"epoch", "rival", "valid_acc", "chosen", "genotype"}}
	for _, c := range s.list {
		epoch, rival := strconv.Itoa(c.Epoch), ""
		if c.Rival > 0 {
			epoch, rival = "", strconv.Itoa(c.Rival)
		}
		rows = append(rows, []string{epoch, rival, terminal.Number(c.ValidAcc), strconv.FormatBool(c == best), c.Genotype.String()})
	}
	return terminal.CSV(rows)
}

// selectCheckpoint is the content of a checkpoint of a selection.
type selectCheckpoint struct {
	Done []Candidate
	retrain.Snapshot
}

// selectRecorder saves checkpoints of a selection and shows progress.
type selectRecorder struct {
	run   *Run
	store checkpoint.Store
	saved selectCheckpoint
	at    int // candidate that is trained
}

func newSelectRecorder(run *Run) (r *selectRecorder, from *retrain.Start, err error) {
	r = &selectRecorder{run: run, store: run.Dir.Checkpoints("select")}
	v, ok, err := run.restore(r.store, &r.saved)
	if err != nil {
		return nil, nil, err
	}
	if ok {
		from = &retrain.Start{Snapshot: r.saved.Snapshot, Vectors: v}
		run.Console.Say("resuming the selection at candidate %d", len(r.saved.Done)+1)
	}
	return r, from, nil
}

// Step implements retrain.Recorder.
func (r *selectRecorder) Step(p train.Progress) {
	showStep(r.run, forecast.Selection, r.at*r.run.Experiment.Search.SelectEpochs+p.Epoch, p)
}

// Epoch implements retrain.Recorder.
func (r *selectRecorder) Epoch(retrain.Epoch) error {
	r.run.Console.Stop()
	return nil
}

// Save implements retrain.Recorder.
func (r *selectRecorder) Save(s retrain.Snapshot, n *program.Net) error {
	r.saved.Snapshot = s
	position := checkpoint.Position(r.at*(r.run.Experiment.Search.SelectEpochs+1)+s.Epoch, s.Step)
	return r.store.Save(position, r.saved, n.WriteState)
}
