package report

import (
	"fmt"
	"os"
	"slices"

	"zos-ort/cmd/internal/rundir"
)

// Log is what the files of a run say of it, for programs that keep many runs.
type Log struct {
	Name, Kind, Verdict, Genotype, Program, Command string

	Begin, End float64 // seconds since 1970
	Settings   []Setting
	Points     []Point
}

// Setting is a value of config.json by the path of its keys.
type Setting struct{ Name, Value string }

// Point is a number that a run has measured, named as TensorBoard's events name it.
type Point struct {
	Tag   string
	Step  int     // epoch or round, from 0; of a result the last one
	Time  float64 // seconds since 1970
	Value float64
}

// ReadLog reads a run that is finished.
func ReadLog(dir string) (*Log, error) {
	r, err := load(dir, "")
	if err != nil {
		return nil, err
	}
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	defer f.root.Close()
	var result map[string]any
	if !f.json("result.json", &result) {
		return nil, fmt.Errorf("%s is not finished: it holds no result.json that can be read", dir)
	}
	l := &Log{Name: r.Name, Kind: r.Kind, Verdict: r.Verdict}
	for _, s := range flatten(f.read("config.json")) {
		l.Settings = append(l.Settings, Setting{s.Label, s.Value})
	}
	if g := readGenotype(f); g != nil {
		l.Genotype = g.String()
	}
	l.loadStart(f)
	l.loadPoints(f, result)
	return l, nil
}

// loadStart reads how the run was started. Of a run without a record, the result is all that has a time.
func (l *Log) loadStart(f *folder) {
	if info, err := os.Stat(f.path("result.json")); err == nil {
		l.Begin = float64(info.ModTime().Unix())
	}
	if s := firstStart(f); s != nil {
		l.Begin, l.Program, l.Command = float64(s.Time.Unix()), s.Program, commandLine(s.Command)
	}
	l.End = l.Begin
}

// loadPoints collects what was measured: by epoch, by round of the pruning, and in the end.
func (l *Log) loadPoints(f *folder, result map[string]any) {
	for i, norm := range readScores(f).norms {
		if norm.known() {
			l.Points = append(l.Points, Point{"pruning/kernel_norm", i, l.Begin, float64(norm)})
		}
	}
	last := 0
	for i, e := range epochsOf(f, l.Begin) {
		l.Points, l.End, last = append(l.Points, e.points...), e.clock, i
	}
	l.Points = append(l.Points, numbersIn("result", result, last, l.End)...)
}

// numbersIn are the numbers of an object and of objects in it, as result/network.parameters.
func numbersIn(prefix string, object map[string]any, step int, clock float64) (list []Point) {
	separator := "."
	if prefix == "result" {
		separator = "/"
	}
	var names []string
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch v := object[name].(type) {
		case float64:
			list = append(list, Point{prefix + separator + name, step, clock, v})
		case map[string]any:
			list = append(list, numbersIn(prefix+separator+name, v, step, clock)...)
		}
	}
	return list
}

// epoch is what a run has measured in an epoch, and when that ended.
type epoch struct {
	clock  float64
	points []Point
}

// epochsOf reads metrics.csv and timing.csv of a run that began at a time. Texts such as the genotype are no points.
func epochsOf(f *folder, begin float64) (list []epoch) {
	metrics, times := f.csv("metrics.csv"), f.csv("timing.csv")
	seconds, clock := times.numbers("seconds"), begin
	for i := range metrics.rows {
		if i < len(seconds) && seconds[i].known() {
			clock += float64(seconds[i])
		}
		list = append(list, epoch{clock, append(pointsOf(metrics, i, clock), pointsOf(times, i, clock)...)})
	}
	return list
}

func pointsOf(t table, row int, clock float64) (list []Point) {
	if row >= len(t.rows) {
		return nil
	}
	for i, h := range t.header {
		x := parseNumber(t.rows[row][i])
		if h == "epoch" || !x.known() {
			continue
		}
		list = append(list, Point{tagOf(h), row, clock, float64(x)})
	}
	return list
}

// firstStart is how the run was started at first; nil if nobody knows.
func firstStart(f *folder) *rundir.Start {
	var x rundir.Record
	if !f.json("run.json", &x) || len(x.Starts) == 0 {
		return nil
	}
	return &x.Starts[0]
}
