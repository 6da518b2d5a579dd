package stages

import (
	"context"
	"fmt"
	"strconv"

	"zos-ort/cmd/internal/forecast"
	"zos-ort/cmd/internal/images"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/ranks"
	"zos-ort/models/space"
	"zos-ort/ort/program"
	"zos-ort/search/checkpoint"
	"zos-ort/search/retrain"
	"zos-ort/search/train"
)

// Candidate is a genotype that a selection has trained.
type Candidate struct {
	Epoch    int            `json:"epoch"` // of the search, from 0
	Genotype space.Genotype `json:"genotype"`
	ValidAcc float64        `json:"valid_accuracy"` // of its own network, not of the supernet
}

// choose trains the genotypes of the last epochs, each as a network of its own on the images that have trained
// the weights, and takes the one with the highest accuracy on the others. All have the same weights and batches
// where their networks agree. It resumes from the last checkpoint.
func (r *Run) choose(ctx context.Context, last int, out *SearchResult) error {
	var list []Candidate
	var err error
	if r.leads() {
		list, err = r.candidates(last)
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
		r.Console.Say("candidate of epoch %d: validation accuracy %.2f %%", list[i].Epoch+1, 100*list[i].ValidAcc)
	}
	best := rec.saved.Done[0]
	for _, c := range rec.saved.Done[1:] {
		if c.ValidAcc > best.ValidAcc {
			best = c
		}
	}
	r.Console.Say("chosen: the genotype of epoch %d", best.Epoch+1)
	out.Genotype, out.Selected = best.Genotype, rec.saved.Done
	if err := r.Dir.Write("selection.csv", selectionCSV(rec.saved.Done, best)); err != nil {
		return err
	}
	return rec.store.Finish()
}

// candidates are the different genotypes of the last epochs up to last, the latest first.
func (r *Run) candidates(last int) (list []Candidate, err error) {
	seen := map[space.NB301]bool{}
	s := r.Experiment.Search
	for epoch := last; epoch >= s.Warmup && epoch > last-s.Select; epoch-- {
		g, err := space.ReadGenotype(r.Dir.Path(genotypeOfEpoch(epoch)))
		if err != nil {
			return nil, err
		}
		code, err := g.NB301()
		if err != nil {
			return nil, err
		}
		if !seen[code] {
			seen[code] = true
			list = append(list, Candidate{Epoch: epoch, Genotype: g})
		}
	}
	return list, nil
}

// genotypeOfEpoch is where the genotype of an epoch is saved.
func genotypeOfEpoch(epoch int) string { return fmt.Sprintf("genotypes/epoch-%03d.json", epoch) }

func selectionCSV(list []Candidate, best Candidate) []byte {
	rows := [][]string{{"epoch", "valid_acc", "chosen", "genotype"}}
	for _, c := range list {
		rows = append(rows, []string{strconv.Itoa(c.Epoch), terminal.Number(c.ValidAcc),
			strconv.FormatBool(c.Epoch == best.Epoch), c.Genotype.String()})
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
