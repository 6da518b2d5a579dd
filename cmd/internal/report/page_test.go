package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zos-ort/cmd/internal/cells"
	"zos-ort/cmd/internal/judge"
	"zos-ort/cmd/internal/pareto"
	"zos-ort/graphgen/check"
	"zos-ort/models/space"
)

// TestPageSaysWhatWasFound: the numbers of the files are on the pages.
func TestPageSaysWhatWasFound(t *testing.T) {
	wantTexts(t, check.Must(Page([]string{"testdata/search"}, Options{}))(t),
		"The supernet recognises 75.40 % of the validation images; chance is 10 %.",
		"better than 67 % of 10000 random architectures", "4.976 M", "198.1 M", "20.7 MB", "112 of 224", "28.9 MB",
		"zos-ort search --xi 0.5 --out runs/search --surrogate nb301.onnx", "ONNX Runtime 1.28.0", "f59542bd638268d0",
		`aria-label="sep_conv_5x5 from input k−2 to node 0" data-edge="0"`)
	wantTexts(t, check.Must(Page([]string{"testdata/retrain"}, Options{}))(t),
		"The network recognises 30.40 % of the test images", "0.97 ms", "The most confident mistakes", "92.00 %")
	sweep := check.Must(Page([]string{"testdata/sweep"}, Options{}))(t)
	wantTexts(t, sweep, "Best on cifar-10: zos with 42.44 ± 0.91 % supernet validation accuracy over 5 runs.",
		"The surrogate prefers beta-darts", "4124 / 15175 / 96.86", "25 of 25")
}

// TestMaskAndRounds: a run that has pruned in several rounds shows the norm of each.
func TestMaskAndRounds(t *testing.T) {
	dir := copied(t, "search")
	var b strings.Builder
	b.WriteString("round,kernel_norm,cell,edge,operation,score,removed,certainty\n")
	for round := 1; round <= 3; round++ {
		fmt.Fprintf(&b, "%d,%d,normal,3,skip_connect,%d,%v,\n", round, 30-round, round, round == 3)
	}
	write(t, b.String(), dir, "scores.csv")
	mask := space.DARTS.FullMask().Without(space.Candidate{Cell: space.Normal, Edge: 3, Op: space.SkipConnect})
	write(t, string(check.Must(mask.MarshalJSON())(t)), dir, "mask.json")
	r := check.Must(load(dir, "x"))(t)
	got := r.Masks[0].Rows[3].Cells[space.SkipConnect.Index()]
	if got.Kept || got.Round != 3 || got.Score != "3" || got.Text != "removed in round 3, score 3" {
		t.Errorf("%+v", got)
	}
	for _, s := range r.Sections {
		if s.Title == "Pruning round by round" {
			if norms := s.Charts[0].Series[0].Values; len(norms) != 3 || norms[2] != 27 {
				t.Errorf("norms %v", norms)
			}
			return
		}
	}
	t.Error("the rounds are not shown")
}

// The cells of a training that is not finished come from its settings, as genotype.json is not there yet.
func TestCellsOfARunningTraining(t *testing.T) {
	dir := copied(t, "retrain")
	cells := func() string {
		page := string(check.Must(Page([]string{dir}, Options{}))(t))
		from := strings.Index(page, `<svg class="cell"`)
		if from < 0 {
			t.Fatal("no cell is drawn")
		}
		return page[from:strings.LastIndex(page, "data-edge=")]
	}
	want := cells()
	if err := os.Remove(filepath.Join(dir, "genotype.json")); err != nil {
		t.Fatal(err)
	}
	if cells() != want {
		t.Error("the cells differ from those of the finished training")
	}
}

// TestTruncatedFiles: the page of a run whose files are cut off shows the rest and says what is missing.
func TestTruncatedFiles(t *testing.T) {
	dir := copied(t, "search")
	metrics := readText(t, dir, "metrics.csv")
	lines := strings.SplitAfter(metrics, "\n")
	whole := strings.Join(lines[:8], "")
	write(t, whole+lines[8][:40], dir, "metrics.csv")
	write(t, readText(t, dir, "judge.json")[:500], dir, "judge.json")
	write(t, "", dir, "timing.csv")
	for _, name := range []string{"alphas.csv", "scores.csv", "memory.csv", "run.json", "result.json", "genotype.json"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	page := check.Must(Page([]string{dir}, Options{}))(t)
	wantTexts(t, page, "metrics.csv is cut off after 7 rows", "judge.json is damaged", "alphas.csv is missing",
		"Not finished: 7 of 12 epochs.")
	r := check.Must(load(dir, "x"))(t)
	if n := len(r.Learning[0].Charts[0].X); n != 7 {
		t.Errorf("%d epochs are drawn, want 7", n)
	}
}

// TestHostileNames: names of classes, folders and methods stay text.
func TestHostileNames(t *testing.T) {
	const hostile = `</script><script>alert(1)</script>"'<img src=x onerror=alert(2)> 🐈 שלום`
	dir := copied(t, "retrain")
	for _, name := range []string{"classes.csv", "confusion.csv", "mistakes.csv"} {
		text := strings.ReplaceAll(readText(t, dir, name), "disc", `"`+strings.ReplaceAll(hostile, `"`, `""`)+`"`)
		write(t, text, dir, name)
	}
	named := filepath.Join(filepath.Dir(dir), "<b>run & “name” 🐈")
	if err := os.Rename(dir, named); err != nil {
		t.Fatal(err)
	}
	table := cells.NewTable([]cells.Outcome{{Data: "<i>data", Method: hostile, Seed: 1, State: cells.Done,
		Values: map[cells.Quantity]float64{cells.Test: 90}}})
	sweep := t.TempDir()
	write(t, "{}", sweep, "sweep.json")
	if err := table.Write(sweep); err != nil {
		t.Fatal(err)
	}
	page := check.Must(Page([]string{named, sweep}, Options{}))(t)
	for _, bad := range []string{"<script>alert", "<img src=x", "<b>run", "<i>data"} {
		if bytes.Contains(page, []byte(bad)) {
			t.Errorf("the page has %q", bad)
		}
	}
	wantTexts(t, page, "🐈 שלום", "&lt;b&gt;run &amp; “name” 🐈")
}

// TestMistakesStayInTheRun: a path in mistakes.csv leads nowhere else.
func TestMistakesStayInTheRun(t *testing.T) {
	dir := copied(t, "retrain")
	write(t, "picture,test_image,label,prediction,confidence\n../secret.png,1,a,b,.9\nmistakes/../../secret.png,1,a,b,.9\n",
		dir, "mistakes.csv")
	write(t, "secret", filepath.Dir(dir), "secret.png")
	if r := check.Must(load(dir, "x"))(t); len(r.Trained.Mistakes) != 0 {
		t.Errorf("%+v", r.Trained.Mistakes)
	}
}

func TestFigure(t *testing.T) {
	dir := t.TempDir()
	write(t, `{"schema":"zos-ort/figure1","version":1}`, dir, "config.json")
	write(t, `{"groups":[{"group":"unmasked","samples":20,"mean":94.5,"standard_deviation":0.5}],
		"comparison":{"mean_difference":-0.25,"standard_error":0.125,"p_value":0.0312}}`, dir, "summary.json")
	write(t, "<svg/>", dir, "figure1.svg")
	wantTexts(t, check.Must(Page([]string{dir}, Options{}))(t), "score -0.250 (standard error 0.125)", "p = 0.031", "94.500",
		"20 architectures, deviation 0.500", "data:image/svg")
}

// TestHistograms: where a run has the numbers, the page draws them in place of the static picture; what was judged is
// marked, and may lie beside all random architectures.
func TestHistograms(t *testing.T) {
	figure := copied(t, "figure1")
	write(t, "<svg/>", figure, "figure1.svg")
	r := check.Must(load(figure, "x"))(t)
	c := r.Sections[0].Charts[0]
	if len(r.Pictures) > 0 || c.Kind != steps || c.XLabel != "predicted accuracy, %" || len(c.Series) != 2 || len(c.X) != 101 ||
		c.Series[0].Label != "unmasked" || c.Series[1].Label != "masked" || len(c.Series[1].Values) != len(c.X) {
		t.Errorf("%d pictures, %+v", len(r.Pictures), c)
	}
	area := 0.
	for i := range len(c.X) - 1 {
		area += float64((c.X[i+1] - c.X[i]) * c.Series[0].Values[i])
	}
	if math.Abs(area-1) > 1e-6 {
		t.Errorf("the bars have the area %v", area)
	}
	r = check.Must(load("testdata/search", "x"))(t)
	s := r.Sections[len(r.Sections)-1]
	if len(r.Pictures) > 0 || s.Charts[0].Kind != steps || len(s.Charts[0].Marks) != 2 || s.Charts[0].Marks[0].Label != "zos" {
		t.Errorf("%d pictures, %+v", len(r.Pictures), s.Charts[0].Marks)
	}
	for _, text := range []string{"", "from,to,unmasked\n", "from,to,unmasked\n1,2\n", "a,b\n1,2\n", "from,to\n1,2\n", "from,to,x\n1,2,y\n"} {
		write(t, text, figure, "figure1_histogram.csv")
		check.Must(Page([]string{figure}, Options{}))(t)
	}
}

// TestMeasuredMemory: peaks are drawn beside that of memory.csv, those of a GPU too; a run of an earlier version has its
// prediction in its result.
func TestMeasuredMemory(t *testing.T) {
	dir := copied(t, "search")
	find := func() chart {
		for _, s := range check.Must(load(dir, "x"))(t).Sections {
			if s.Title == "Memory" {
				return s.Charts[len(s.Charts)-1]
			}
		}
		t.Fatal("no memory")
		return chart{}
	}
	c := find()
	var res result
	if err := json.Unmarshal([]byte(readText(t, dir, "result.json")), &res); err != nil {
		t.Fatal(err)
	}
	// The highest row of the file: 2156032 + 481024 + 22199808 + 1789952 + 512.
	if len(c.Series) != 2 || math.Abs(float64(c.Series[1].Values[0])-26.627328) > 1e-9 || math.Abs(float64(c.Series[0].Values[0])-251.482112) > 1e-9 {
		t.Errorf("%+v", c.Series)
	}
	if err := os.Remove(filepath.Join(dir, "memory.csv")); err != nil {
		t.Fatal(err)
	}
	if old := float64(find().Series[1].Values[0]); old != float64(number(res.Predicted)*1e-6) {
		t.Errorf("%v MB, %d bytes in the result", old, res.Predicted)
	}
	lines := strings.Split(strings.TrimSpace(readText(t, dir, "metrics.csv")), "\n")
	for i := range lines {
		if lines[i] += ",5000000"; i == 0 {
			lines[i] = strings.TrimSuffix(lines[i], "5000000") + "gpu_pool_peak_bytes"
		}
	}
	write(t, strings.Join(lines, "\n")+"\n", dir, "metrics.csv")
	if c = find(); len(c.Series) != 3 || c.Series[1].Values[0] != 5 {
		t.Errorf("%+v", c.Series)
	}
}

// TestTimeLeft: what was said to be left stands beside what was, once the run has ended.
func TestTimeLeft(t *testing.T) {
	dir := copied(t, "search")
	lines := strings.Split(strings.TrimSpace(readText(t, dir, "timing.csv")), "\n")
	for i := range lines {
		if lines[i] += fmt.Sprintf(",%d", 100-i); i == 0 {
			lines[i] = strings.TrimSuffix(lines[i], "100") + "left_seconds"
		}
	}
	write(t, strings.Join(lines, "\n")+"\n", dir, "timing.csv")
	charts := func() (list []chart) {
		for _, s := range check.Must(load(dir, "x"))(t).Sections {
			if s.Title == "Time" {
				list = s.Charts
			}
		}
		return list
	}
	list := charts()
	if len(list) != 2 || len(list[1].Series) != 2 {
		t.Fatalf("%+v", list)
	}
	said, was := list[1].Series[0].Values, list[1].Series[1].Values
	end := len(was) - 1
	last := strings.Split(lines[end+1], ",")
	if said[0] != 99 || was[end] != 0 || math.Abs(float64(was[end-1])-float64(parseNumber(last[1]))) > 1e-9 {
		t.Errorf("said %v, was %v, last epoch %v", said, was, last)
	}
	if err := os.Remove(filepath.Join(dir, "result.json")); err != nil {
		t.Fatal(err)
	}
	if n := len(charts()); n != 1 {
		t.Errorf("%d charts while the run goes on", n)
	}
}

// TestParetoVerdict: a method that draws at random is not counted among those that search.
func TestParetoVerdict(t *testing.T) {
	dir := copied(t, "pareto")
	if got := check.Must(load(dir, "x"))(t).Verdict; !strings.HasPrefix(got, "Under 3 of 3 budgets and methods") {
		t.Error(got)
	}
	text := strings.ReplaceAll(readText(t, dir, "pareto.json"), `"zos-rnd"`, `"random"`)
	write(t, text, dir, "pareto.json")
	if got := check.Must(load(dir, "x"))(t).Verdict; !strings.HasPrefix(got, "These are random architectures") {
		t.Error(got)
	}
}

// TestMemoryOverAStep: what was measured is a line over what was predicted, of each program; a file of other rows is left
// out.
func TestMemoryOverAStep(t *testing.T) {
	dir := copied(t, "search")
	memory := func() []chart {
		for _, s := range check.Must(load(dir, "x"))(t).Sections {
			if s.Title == "Memory" {
				return s.Charts
			}
		}
		return nil
	}
	predicted := memory()
	text := "program,node,measured\n"
	for i, line := range strings.Split(strings.TrimSpace(readText(t, dir, "memory.csv")), "\n")[1:] {
		cells := strings.Split(line, ",")
		text += fmt.Sprintf("%s,%s,%d\n", cells[0], cells[1], 1_000_000*i)
	}
	write(t, text, dir, "memory_measured.csv")
	at := 0
	for i, c := range memory() {
		if c.Kind != stack {
			continue
		}
		last := c.Series[len(c.Series)-1]
		if len(c.Series) != len(predicted[i].Series)+1 || !last.Over || len(last.Values) != len(c.X) || last.Values[0] != number(at) {
			t.Errorf("%s: %+v", c.Title, last)
		}
		at += len(c.X)
	}
	if at == 0 {
		t.Error("nothing over a step")
	}
	write(t, text+"weight step,1,5\n", dir, "memory_measured.csv")
	if n := len(memory()[0].Series); n != len(predicted[0].Series) {
		t.Errorf("%d series with a file of other rows", n)
	}
}

func TestNoRun(t *testing.T) {
	_, err := Page([]string{t.TempDir()}, Options{})
	check.Error(t, err, "is no run directory: it holds none of config.json, sweep.json")
	_, err = Page([]string{"nowhere"}, Options{})
	check.Error(t, err, "nowhere")
}

// pageLimit is how large a page may be.
const pageLimit = 1_500_000

// longSearch makes the run of a search of 50 epochs in the paper's space out of the short one.
func longSearch(t *testing.T) string {
	dir := copied(t, "search")
	rng := rand.New(rand.NewPCG(1, 2))
	metrics, timing := strings.SplitAfter(readText(t, dir, "metrics.csv"), "\n"), strings.SplitAfter(readText(t, dir, "timing.csv"), "\n")
	var m, ti, al strings.Builder
	m.WriteString(metrics[0])
	ti.WriteString(timing[0])
	al.WriteString("epoch")
	for _, c := range space.DARTS.CellTypes() {
		for _, x := range space.DARTS.FullMask().Candidates(c) {
			al.WriteString("," + x.String())
		}
	}
	al.WriteString("\n")
	for epoch := range 50 {
		m.WriteString(metrics[1+epoch%12])
		ti.WriteString(timing[1+epoch%12])
		fmt.Fprint(&al, epoch)
		for range space.DARTS.FullMask().Count() {
			fmt.Fprintf(&al, ",%.7g", rng.NormFloat64()*float64(epoch)/50)
		}
		al.WriteString("\n")
	}
	write(t, m.String(), dir, "metrics.csv")
	write(t, ti.String(), dir, "timing.csv")
	write(t, al.String(), dir, "alphas.csv")
	return dir
}

// manyRuns makes the sweep of 64 runs.
func manyRuns(t *testing.T) string {
	var runs []cells.Outcome
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 64 {
		runs = append(runs, cells.Outcome{Data: []string{"cifar-10", "cifar-100"}[i/32], Method: fmt.Sprintf("method-%d", i/4%8),
			Seed: uint64(i % 4), State: cells.Done, Genotype: strings.Repeat("Genotype(…)", 40), Values: map[cells.Quantity]float64{
				cells.Test: 90 + rng.NormFloat64(), cells.Valid: 70 + rng.NormFloat64(), cells.Seconds: 100 * rng.Float64(),
				cells.Predicted: 30, cells.Resident: 200}})
	}
	dir := t.TempDir()
	write(t, "{}", dir, "sweep.json")
	if err := cells.NewTable(runs).Write(dir); err != nil {
		t.Fatal(err)
	}
	for _, o := range runs {
		write(t, "page", dir, cells.Cell{Data: o.Data, Method: o.Method, Seed: o.Seed}.ID(), "search", FileName)
	}
	return dir
}

// TestLargePagesAreSmall: the pages of a long search and of a large sweep stay within the limit, and each run of a
// sweep is one click away.
func TestLargePagesAreSmall(t *testing.T) {
	for _, dir := range []string{longSearch(t), manyRuns(t)} {
		page := check.Must(Page([]string{dir}, Options{}))(t)
		t.Logf("%d bytes", len(page))
		if len(page) > pageLimit {
			t.Errorf("%s: %d bytes, want at most %d", filepath.Base(dir), len(page), pageLimit)
		}
	}
	page := check.Must(Page([]string{manyRuns(t)}, Options{}))(t)
	if n := strings.Count(string(page), `<a href="cells/cifar-10`); n != 64 {
		t.Errorf("%d links to runs, want 64", n)
	}
}

// TestForecastIsShown: what a run was predicted to take stands beside what it took.
func TestForecastIsShown(t *testing.T) {
	dir := copied(t, "search")
	write(t, `{"predicted_seconds": {"pruning": 33, "search": 4000, "selection": 70}, "seconds": {"prune": 30, "search": 4500}}`, dir, "result.json")
	page := check.Must(Page([]string{dir}, Options{}))(t)
	wantTexts(t, page, "Predicted before the run began: pruning 33 s (it took 30 s), search 67 min (it took 75 min), selection 70 s.")
}

// The page of several budgets has a point for every architecture, and links to the searches.
func TestPareto(t *testing.T) {
	dir := t.TempDir()
	x := pareto.Report{Schema: pareto.Schema, Version: pareto.Version, Source: "models/nb301.onnx", Limit: "weights", Network: "20 cells",
		Random: []pareto.Point{{Cost: 3e6, Accuracy: 94}, {Cost: 2e6, Accuracy: 93}},
		Found:  []pareto.Found{{Point: pareto.Point{Cost: 2.5e6, Accuracy: 95}, Run: "params-2.6M/cells/a", Method: "zos", Most: 2.6e6}},
		Levels: []pareto.Level{{Most: 2.6e6, Method: "zos", Seeds: 1, Accuracy: 95, Random: judge.Mean{Value: 94}}}}
	b := check.Must(json.Marshal(x))(t)
	write(t, string(b), dir, pareto.File)
	wantTexts(t, check.Must(Page([]string{dir}, Options{}))(t), "Under 1 of 1 budgets and methods",
		`href="params-2.6M/report.html"`, `"x":[2,2.5,3]`, `[93,null,94]`, `[null,95,null]`, "nb301.onnx")
	write(t, `{"levels": [`, dir, pareto.File)
	wantTexts(t, check.Must(Page([]string{dir}, Options{}))(t), "Nothing has been found yet.")
}
