package judge

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/stat"

	"zos-ort/cmd/internal/archs"
	"zos-ort/cmd/internal/surrogate"
	"zos-ort/graphgen/check"
	"zos-ort/models/space"
	"zos-ort/ort"
)

// convolutions says that every separable 3x3 convolution of the normal cell is worth a percent.
type convolutions struct{}

func (convolutions) Accuracies(_ context.Context, archs []space.Genotype, step func()) ([]float64, error) {
	var list []float64
	for _, g := range archs {
		list = append(list, 90+float64(g.CountsIn(space.Normal)[space.SepConv3x3]))
		step()
	}
	return list, nil
}

func (convolutions) Space() *space.Space { return space.DARTS }

func (convolutions) Close() {}

func newJudge(t *testing.T) *Judge {
	t.Helper()
	s := Settings{Samples: 4000, Masks: 40, Draws: 200, Seed: 3}
	return check.Must(New(t.Context(), s, convolutions{}, nothing))(t)
}

func everywhere(ps ...space.Primitive) (m space.Mask) {
	for _, t := range space.DARTS.CellTypes() {
		for e := range m.Sets(t) {
			m.Put(t, e, space.SetOf(ps...))
		}
	}
	return m
}

// A random architecture has 8/7 separable 3x3 convolutions in its normal cell on average.
func TestBaselineAndGenotype(t *testing.T) {
	j := newJudge(t)
	b := j.Baseline()
	near(t, "mean", b.Mean, 90+8./7, .05)
	near(t, "best of 1", b.BestOf[1], b.Mean, 1e-9)
	v2 := check.Must(space.Named("DARTS_V2"))(t) // five of them in the normal cell
	got := check.Must(j.Genotypes(t.Context(), []Subject{{Name: "DARTS_V2", Genotype: &v2}, {Name: "a mask"}}))(t)
	if len(got) != 1 || got[0].Accuracy != 95 || got[0].Skips != [2]int{2, 3} || got[0].Parameters != 3349342 {
		t.Fatalf("got %+v", got)
	}
	below, equal := 0, 0
	for _, x := range j.random {
		if x < 95 {
			below++
		} else if x == 95 {
			equal++
		}
	}
	near(t, "percentile", got[0].Percentile, 100*(float64(below)+float64(equal)/2)/4000, 1e-9)
	near(t, "improvement", got[0].Improvement, 100*(95-b.Mean)/b.Mean, 1e-9)
}

// Inside of a mask of four operations of which one is the separable convolution there are two of
// them; outside none; in random masks of the size as many as in the whole space.
func TestLift(t *testing.T) {
	j := newJudge(t)
	with := everywhere(space.None, space.SepConv3x3, space.DilConv3x3, space.MaxPool3x3, space.AvgPool3x3)
	without := everywhere(space.SkipConnect, space.DilConv3x3, space.MaxPool3x3, space.AvgPool3x3)
	got := check.Must(j.Masks(t.Context(), []Subject{{Mask: &with}, {Mask: &without}}, nothing))(t)
	near(t, "random masks", got[0].Random.Mean, 90+8./7, .1)
	near(t, "inside", got[0].Inside.Value, 92, .3)
	near(t, "outside", got[1].Inside.Value, 90, 0)
	near(t, "complement", got[1].Complement.Value, 90+8./3, .3)
	near(t, "lift", got[0].Lift.Value, 2-8./7, .35)
	if got[0].Operations != 112 || got[0].Z < 2 || got[1].Z > -2 || got[0].Lift.Error > .2 {
		t.Errorf("got %+v", got)
	}
	near(t, "rule of parameters", got[0].Parameters.Value, 92, .3)
	near(t, "rule of separable convolutions", got[0].Separable.Value, 92, .3)
	full := space.DARTS.FullMask()
	if v := check.Must(j.Masks(t.Context(), []Subject{{Mask: &full}}, nothing))(t); v[0].Complement != nil {
		t.Errorf("the complement of everything has the accuracy %v", v[0].Complement)
	}
}

func TestGroups(t *testing.T) {
	j := newJudge(t)
	var list []Genotype
	for seed, x := range []float64{96, 97, 95} {
		s := uint64(seed)
		list = append(list, Genotype{Subject: Subject{Method: "a", Seed: &s}, Accuracy: x, Percentile: x, Skips: [2]int{seed, 5}},
			Genotype{Subject: Subject{Method: "b", Seed: &s}, Accuracy: x - 1, Percentile: x - 10})
	}
	list = append(list, Genotype{Subject: Subject{Method: "alone"}, Accuracy: 1}, Genotype{Accuracy: 2})
	got, pairs := j.Groups(list)
	if len(got) != 2 || len(pairs) != 1 || got[0].Lowest != 95 || got[0].Skips != 2 || got[1].Skips != 0 {
		t.Fatalf("got %+v and %+v", got, pairs)
	}
	near(t, "p", got[0].P, uniformTail(3, .96), 1e-12)
	near(t, "difference", pairs[0].Difference.Mean, 10, 1e-9)
	near(t, "p of the pair", pairs[0].P, 1./8, 1e-12)
	near(t, "deviation", got[0].Deviation, stat.StdDev([]float64{96, 97, 95}, nil), 1e-9)
}

func TestAgreement(t *testing.T) {
	a := everywhere(space.None, space.SepConv3x3, space.DilConv3x3)
	b := everywhere(space.None, space.SepConv3x3, space.SkipConnect, space.MaxPool3x3)
	got := MaskGroups([]Mask{{Subject: Subject{Method: "m", Mask: &a}, Lift: Mean{Value: 1}, Operations: 56},
		{Subject: Subject{Method: "m", Mask: &b}, Lift: Mean{Value: 2}, Operations: 84}})
	if len(got) != 1 || got[0].Agreement != 28 || got[0].Operations != 70 || got[0].Lift.Value != 1.5 {
		t.Fatalf("got %+v", got)
	}
	near(t, "chance", got[0].Chance, 28*2*3./7, 1e-9)
}

func TestTable(t *testing.T) {
	dir := t.TempDir()
	const genes = "max_pool_3x3:0 skip_connect:1 sep_conv_3x3:0 sep_conv_3x3:1 skip_connect:0 skip_connect:1 " +
		"dil_conv_3x3:0 avg_pool_3x3:1"
	write := func(text string) string {
		path := filepath.Join(dir, "table.csv")
		check.Must(0, os.WriteFile(path, []byte(text), 0o644))(t)
		return path
	}
	const swapped = "skip_connect:1 max_pool_3x3:0 sep_conv_3x3:0 sep_conv_3x3:1 skip_connect:0 skip_connect:1 " +
		"dil_conv_3x3:0 avg_pool_3x3:1"
	table := check.Must(ReadTable(write("normal,reduce,test_accuracy\n"+genes+","+genes+",90\n"+swapped+","+genes+",92\n"), ""))(t)
	g := check.Must(archs.Read(filepath.Join(dir, "table.csv")))(t).Genotypes[0]
	if x := check.Must(table.Accuracies(t.Context(), []space.Genotype{g}, nothing))(t); x[0] != 91 {
		t.Errorf("two rows of an architecture have the accuracy %v", x)
	}
	v1 := check.Must(space.Named("DARTS_V1"))(t)
	_, err := table.Accuracies(t.Context(), []space.Genotype{v1}, nothing)
	check.Error(t, err, "does not hold the architecture")
	for text, words := range map[string]string{
		"":                                    "it is empty",
		"normal,accuracy\n":                   "no columns normal and reduce",
		"normal,reduce,size\n":                "no column is called accuracy",
		"normal,reduce,a_accuracy,accuracy\n": "choose one of",
		"normal,reduce,accuracy\n":            "0 rows",
		"normal,reduce,accuracy\na,b\n":       "wrong number of fields",
		"normal,reduce,accuracy\na,b,1\n":     "row 2: a cell has 8 genes, got 1",
		"normal,reduce,accuracy\n" + genes + "," + genes + ",nan\n":               "is no number",
		"normal,reduce,accuracy\n" + genes[:len(genes)-1] + "x," + genes + ",1\n": "is not like sep_conv_3x3:0",
		"normal,reduce,accuracy\n" + genes[:len(genes)-1] + "9," + genes + ",1\n": "reads states",
	} {
		_, err := ReadTable(write(text), "")
		check.Error(t, err, words)
	}
	_, err = ReadTable(write("normal,reduce,accuracy\n"), "size")
	check.Error(t, err, "no column size")
}

// The surrogate of NAS-Bench-301 and a public table of another one agree on random architectures, and
// published cells are among the best.
func TestTruth(t *testing.T) {
	folder := os.Getenv("ZOS_TRUTH")
	if folder == "" {
		folder = "../../../../shared/truth"
	}
	if _, err := os.Stat(filepath.Join(folder, "nb301.onnx")); err != nil {
		t.Skip("no truth about architectures: ", err)
	}
	if err := ort.Open(""); err != nil {
		t.Skip(err)
	}
	f := check.Must(surrogate.Read(filepath.Join(folder, "nb301.onnx"), surrogate.DefaultBatch, surrogate.LastEpoch))(t)
	m := check.Must(f.Open(t.Context(), 2))(t)
	defer m.Close()
	table := check.Must(ReadTable(filepath.Join(folder, "darts_725.csv"), ""))(t)
	var archs []space.Genotype
	var theirs []float64
	for text, x := range table.of {
		archs, theirs = append(archs, check.Must(space.DARTS.ParseGenotype(text))(t)), append(theirs, x)
	}
	ours := check.Must(m.Accuracies(t.Context(), archs, nothing))(t)
	if r := stat.Correlation(ours, theirs, nil); r < .85 {
		t.Errorf("the surrogates correlate at %.3f", r)
	}
	j := check.Must(New(t.Context(), Settings{Samples: 2000, Masks: 20, Draws: 100, Seed: 1}, m, nothing))(t)
	for name, want := range map[string]float64{"DARTS_V1": 95.475, "DARTS_V2": 95.460, "PC_DARTS_cifar": 95.76} {
		got := check.Must(j.Genotypes(t.Context(), check.Must(Find(name))(t)))(t)
		near(t, name, got[0].Accuracy, want, .005)
		if got[0].Percentile < 98 {
			t.Errorf("%s lies at percentile %v", name, got[0].Percentile)
		}
	}
}
