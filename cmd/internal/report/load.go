package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"zos-ort/cmd/internal/judge"
	"zos-ort/cmd/internal/pareto"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/models/space"
)

// known are the files by which a folder is taken for a run.
var known = []string{"config.json", "sweep.json", "judge.json", "pareto.json", "rank.json", "classes.csv"}

// IsRun says whether a folder holds anything that can be drawn.
func IsRun(dir string) bool {
	for _, name := range known {
		if rundir.Exists(filepath.Join(dir, name)) {
			return true
		}
	}
	return false
}

// load reads a folder. What is there decides what is shown.
func load(dir, id string) (*run, error) {
	info, err := os.Stat(dir)
	if err == nil && (!info.IsDir() || !IsRun(dir)) {
		err = fmt.Errorf("%s is no run directory: it holds none of %s", dir, strings.Join(known, ", "))
	}
	if err != nil {
		return nil, err
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	defer f.root.Close()
	r := &run{ID: id, Name: filepath.Base(absolute), Path: absolute}
	switch {
	case rundir.Exists(f.path("sweep.json")):
		r.Kind = "sweep"
		r.loadSweep(f)
	case rundir.Exists(f.path("config.json")):
		r.loadConfigured(f)
	case rundir.Exists(f.path(pareto.File)):
		r.Kind = "pareto"
		r.loadPareto(f)
	case rundir.Exists(f.path("rank.json")):
		r.Kind, r.Verdict = "rank", "Rankers beside the accuracies of architectures."
	case rundir.Exists(f.path("judge.json")):
		r.Kind = "judge"
	default:
		r.Kind = "eval"
		r.loadEvaluation(f)
	}
	r.loadJudge(f)
	r.loadTables(f)
	r.loadPictures(f)
	r.loadRecord(f)
	r.loadFiles(f)
	r.Missing = f.missing
	return r, nil
}

// loadConfigured reads a run that has settings.
func (r *run) loadConfigured(f *folder) {
	var head struct{ Schema, Command string }
	f.json("config.json", &head)
	r.Settings = flatten(f.read("config.json"))
	if head.Schema != settings.Schema {
		if r.Kind = strings.TrimPrefix(head.Schema, "zos-ort/"); r.Kind == "figure1" {
			r.loadFigure(f)
		}
		return
	}
	r.Kind = head.Command
	var e settings.Experiment
	if err := json.Unmarshal(f.read("config.json"), &e); err != nil {
		f.note("config.json has settings that this version does not read: %v", err)
	}
	r.loadExperiment(f, e)
}

// loadExperiment reads a search, a pruning or a retraining.
func (r *run) loadExperiment(f *folder, e settings.Experiment) {
	var res result
	finished := f.json("result.json", &res)
	g := readGenotype(f)
	if g == nil && e.Retraining.Genotype != (space.Genotype{}) { // of a training that is not finished
		g = &e.Retraining.Genotype
	}
	if g != nil {
		r.Cells = cellsOf(*g)
	}
	r.metricsSection(f, e)
	r.Alphas = readAlphas(f, g)
	if r.Alphas == nil && r.Kind == "search" && len(r.curves.epochs) > 0 {
		f.note("alphas.csv is missing: the run is of an earlier version")
	}
	r.alphasSection()
	scores := readScores(f)
	var mask space.Mask
	if f.json("mask.json", &mask) {
		r.Masks = masksOf(f, &mask, scores)
	}
	r.roundsSection(scores)
	r.timeSection(f, res)
	r.memorySection(f, res)
	r.Trained = readTrained(f, r.ID)
	s := summary{run: r, e: e, result: res, finished: finished, genotype: g, mask: &mask, norms: scores.norms}
	s.judged = judgedGenotype(f)
	r.Verdict, r.Facts = s.verdict(), s.facts()
}

// readGenotype is what the run has found so far: the result, or else that of the last epoch.
func readGenotype(f *folder) *space.Genotype {
	var g space.Genotype
	if f.json("genotype.json", &g) {
		return &g
	}
	epochs, _ := filepath.Glob(f.path("genotypes/epoch-*.json"))
	if len(epochs) > 0 && f.json("genotypes/"+filepath.Base(epochs[len(epochs)-1]), &g) {
		return &g
	}
	return nil
}

// judgedGenotype is the verdict on the run's architecture, if it has been judged.
func judgedGenotype(f *folder) *judged {
	var j judge.Report
	if f.json("judge.json", &j) && len(j.Genotypes) == 1 {
		return &judged{j.Genotypes[0], j.Random}
	}
	return nil
}

// judged is a verdict with what it compares to.
type judged struct {
	judge.Genotype
	random judge.Baseline
}

// loadEvaluation reads what eval has written.
func (r *run) loadEvaluation(f *folder) {
	var res result
	f.json("result.json", &res)
	r.Trained = readTrained(f, r.ID)
	if res.Top1 == nil {
		r.Verdict = "Accuracy by class."
		return
	}
	r.Verdict = fmt.Sprintf("%s of %d images of %s are recognised.", percent(*res.Top1), res.Images, res.Data)
	r.Facts = []fact{{"Top-1 accuracy", percent(*res.Top1), ""}}
	if res.Top5 != nil && r.Trained != nil && len(r.Trained.Classes) > 5 {
		r.Facts = append(r.Facts, fact{"Top-5 accuracy", percent(*res.Top5), ""})
	}
	r.Facts = append(r.Facts, fact{"Test images", fmt.Sprint(res.Images), res.Data})
}

// loadJudge says how good what a folder holds is, where it has been judged as a whole.
func (r *run) loadJudge(f *folder) {
	var j judge.Report
	if r.Kind != "judge" && r.Kind != "sweep" || !f.json("judge.json", &j) {
		return
	}
	text := ""
	if len(j.Groups) > 0 {
		best := slices.MaxFunc(j.Groups, func(a, b judge.Group) int {
			return cmp.Compare(a.Percentile.Mean, b.Percentile.Mean)
		})
		text = fmt.Sprintf("The surrogate prefers %s: its %d architectures have a mean percentile of %v among random ones.",
			best.Name, best.Seeds, best.Percentile)
	} else if len(j.Genotypes) > 0 {
		best := slices.MaxFunc(j.Genotypes, func(a, b judge.Genotype) int { return cmp.Compare(a.Accuracy, b.Accuracy) })
		text = fmt.Sprintf("The surrogate prefers %s: it predicts %.2f %%, better than %.0f %% of %d random architectures.",
			best.Name, best.Accuracy, best.Percentile, j.Random.Samples)
	}
	r.Verdict = strings.TrimSpace(r.Verdict + " " + text)
}
