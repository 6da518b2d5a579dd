package cells

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"zos-ort/models/method"
)

// Quantity names something that is compared.
type Quantity string

// Quantities in the units of the tables: MB are 10^6 bytes, accuracies percent.
const (
	Predicted Quantity = "predicted_peak_mb"
	Resident  Quantity = "peak_rss_mb"
	Seconds   Quantity = "search_seconds" // pruning and search
	Valid     Quantity = "valid_accuracy"
	Test      Quantity = "test_accuracy"
	// SmallAccuracy is that of the small network by which runs are ranked, on training images that were held out.
	SmallAccuracy Quantity = "small_accuracy"
)

// Quantities are those of every sweep in the order of the tables.
var Quantities = []Quantity{Predicted, Resident, Seconds, Valid, Test}

// Outcome holds the measurements of one run. Quantities that were not measured are missing.
type Outcome struct {
	Data     string               `json:"data"`
	Method   string               `json:"method"`
	Seed     uint64               `json:"seed"`
	State    State                `json:"state"`
	Error    string               `json:"error,omitempty"`
	Values   map[Quantity]float64 `json:"values"`
	Genotype string               `json:"genotype,omitempty"`
	Place    int                  `json:"place,omitempty"` // in the ranking of the data set, from 1 on
}

// Outcome reads the results of the phases that are done.
func (c Cell) Outcome() (Outcome, error) {
	o := Outcome{Data: c.Data, Method: c.Method, Seed: c.Seed, State: c.State(), Error: c.Err(),
		Values: map[Quantity]float64{}}
	if c.Steps > 0 {
		o.Values[Predicted] = float64(c.Steps) / 1e6
	}
	for _, p := range c.Phases {
		if p.State != Done {
			continue
		}
		if err := o.add(p); err != nil {
			return o, fmt.Errorf("result of %s of %v: %w", p.Name, c, err)
		}
	}
	return o, nil
}

// add takes what the commands search and retrain print with --json.
func (o *Outcome) add(p Phase) error {
	var r struct {
		Genotype string   `json:"genotype_text"`
		Valid    *float64 `json:"valid_accuracy"`
		Test     *float64 `json:"test_accuracy"`
		Seconds  *struct{ Prune, Search float64 }
	}
	if err := json.Unmarshal(p.Result, &r); err != nil {
		return err
	}
	if r.Valid != nil {
		o.Values[Valid] = 100 * *r.Valid
	}
	if r.Test != nil && p.Name == Small {
		o.Values[SmallAccuracy] = 100 * *r.Test
	} else if r.Test != nil {
		o.Values[Test] = 100 * *r.Test
	}
	if r.Genotype != "" { // of a search
		o.Genotype = r.Genotype
		if p.PeakRSS > 0 {
			o.Values[Resident] = float64(p.PeakRSS) / 1e6
		}
	}
	if r.Seconds != nil {
		o.Values[Seconds] = r.Seconds.Prune + r.Seconds.Search
	}
	return nil
}

// Summary is a quantity over the seeds.
type Summary struct {
	N    int     `json:"n"`
	Mean float64 `json:"mean"`
	SD   float64 `json:"sd"` // of the sample, with n-1; 0 for one value
}

// Summarize is mean and standard deviation of at least one value.
func Summarize(values []float64) Summary {
	s := Summary{N: len(values), Mean: stat.Mean(values, nil)}
	if s.N > 1 {
		s.SD = stat.StdDev(values, nil)
	}
	return s
}

// Row is a method on a data set.
type Row struct {
	Data   string               `json:"data"`
	Method string               `json:"method"`
	Runs   int                  `json:"runs"` // done
	Failed int                  `json:"failed"`
	Left   int                  `json:"left_out,omitempty"` // not retrained, as others are better
	Stats  map[Quantity]Summary `json:"statistics"`
	Best   *Outcome             `json:"best,omitempty"` // by test accuracy, or else that of the small network, or else validation accuracy
	Paper  *method.Numbers      `json:"paper,omitempty"`
	// Ratios to darts on the same data set, of means; missing where there is no such run.
	Ratios      map[Quantity]float64 `json:"ratios_to_darts"`
	PaperRatios map[Quantity]float64 `json:"paper_ratios_to_darts"`
}

// Table is Table 1 of a sweep.
type Table struct {
	Rows []Row     `json:"rows"`
	Runs []Outcome `json:"runs"`
	// Ranking is how runs were chosen for retraining; nil if all are retrained.
	Ranking *Ranking `json:"ranking,omitempty"`
	// Judge is the verdict on what all runs found, if there is one.
	Judge any `json:"judge,omitempty"`
}

// rankedQuantities are those of a sweep with a ranking.
var rankedQuantities = append(slices.Clone(Quantities), SmallAccuracy)

// Quantities are those that the tables show.
func (t Table) Quantities() []Quantity {
	if t.Ranking == nil {
		return Quantities
	}
	return rankedQuantities
}

// NewTable puts runs together, by data set and method in the order in which they first occur.
func NewTable(runs []Outcome) Table {
	t := Table{Runs: runs}
	groups, order := map[[2]string][]Outcome{}, [][2]string(nil)
	for _, o := range runs {
		key := [2]string{o.Data, o.Method}
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], o)
	}
	for _, key := range order {
		t.Rows = append(t.Rows, newRow(groups[key]))
	}
	for i := range t.Rows {
		t.Rows[i].compare(t.find(t.Rows[i].Data, "darts"))
	}
	return t
}

func (t Table) find(data, method string) *Row {
	i := slices.IndexFunc(t.Rows, func(r Row) bool { return r.Data == data && r.Method == method })
	if i < 0 {
		return nil
	}
	return &t.Rows[i]
}

func newRow(runs []Outcome) Row {
	r := Row{Data: runs[0].Data, Method: runs[0].Method, Stats: map[Quantity]Summary{}}
	for i, o := range runs {
		switch o.State {
		case Done:
			r.Runs++
		case Failed:
			r.Failed++
		case LeftOut:
			r.Left++
		}
		if o.Genotype != "" && (r.Best == nil || better(o, *r.Best)) {
			r.Best = &runs[i]
		}
	}
	for _, q := range rankedQuantities {
		var values []float64
		for _, o := range runs {
			if v, ok := o.Values[q]; ok {
				values = append(values, v)
			}
		}
		if len(values) > 0 {
			r.Stats[q] = Summarize(values)
		}
	}
	if n, ok := method.Paper(r.Data, r.Method); ok {
		r.Paper = &n
	}
	return r
}

// better compares accuracies; a run without one is worse than any with one.
func better(a, b Outcome) bool {
	accuracy := func(o Outcome, q Quantity) float64 {
		if v, ok := o.Values[q]; ok {
			return v
		}
		return math.Inf(-1)
	}
	return cmp.Or(cmp.Compare(accuracy(a, Test), accuracy(b, Test)),
		cmp.Compare(accuracy(a, SmallAccuracy), accuracy(b, SmallAccuracy)),
		cmp.Compare(accuracy(a, Valid), accuracy(b, Valid))) > 0
}

// compare fills in the ratios to the row of DARTS, which may be missing.
func (r *Row) compare(darts *Row) {
	r.Ratios, r.PaperRatios = map[Quantity]float64{}, map[Quantity]float64{}
	if darts != nil {
		for _, q := range []Quantity{Predicted, Resident, Seconds} {
			own, ok := r.Stats[q]
			base, there := darts.Stats[q]
			if ok && there && base.Mean > 0 {
				r.Ratios[q] = own.Mean / base.Mean
			}
		}
	}
	if base, ok := method.Paper(r.Data, "darts"); ok && r.Paper != nil {
		r.PaperRatios[Predicted] = r.Paper.PeakMB / base.PeakMB
		r.PaperRatios[Seconds] = r.Paper.Seconds / base.Seconds
	}
}
