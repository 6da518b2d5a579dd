package graphgen_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/onnx"
	"zos-ort/graphgen/op"
)

func layout(names ...string) graphgen.Layout {
	var l graphgen.Layout
	for _, n := range names {
		l = append(l, graphgen.Entry{Name: n, Shape: []int{2}, Offset: l.Len()})
	}
	return l
}

func TestTransferGoesByName(t *testing.T) {
	from, to := layout("a", "b", "c"), layout("c", "new", "a")
	dst := []float32{9, 9, 9, 9, 9, 9}
	if err := to.Transfer(dst, from, []float32{1, 2, 3, 4, 5, 6}); err != nil {
		t.Fatal(err)
	}
	if want := []float32{5, 6, 9, 9, 1, 2}; !slices.Equal(dst, want) {
		t.Errorf("got %v, want %v", dst, want)
	}
}

func TestTransferRefusesAnotherShape(t *testing.T) {
	from, to := layout("a", "b"), layout("a", "b")
	to[1].Shape = []int{1, 2}
	err := to.Transfer(make([]float32, 4), from, make([]float32, 4))
	check.Error(t, err, "transfer: b is [1 2] here and [2] there")
}

func TestLayoutFind(t *testing.T) {
	l := layout("a", "b")
	if e, ok := l.Find("b"); !ok || e.Offset != 2 || e.Len() != 2 {
		t.Errorf("found %v, %v", e, ok)
	}
	if _, ok := l.Find("c"); ok {
		t.Error("found c, which is not there")
	}
	if n := (graphgen.Layout)(nil).Len(); n != 0 {
		t.Errorf("the empty layout has %d elements", n)
	}
}

// Convolutions and linear layers start uniform within 1/sqrt(fan in), batch norms start at one and
// zero.
func TestInitialize(t *testing.T) {
	l := programs(t, tinySpec())["weight_step"].Weights
	v := l.Initialize(rand.New(rand.NewPCG(1, 2)))
	bounds := map[string]float32{"stem/weight": .19245009, "depthwise/weight": 1. / 3,
		"classifier/weight": .5, "classifier/bias": .5}
	for _, e := range l {
		x := v[e.Offset : e.Offset+e.Len()]
		if e.Name == "stem/scale" || e.Name == "stem/bias" {
			if want := float32(e.Init.Value); slices.Min(x) != want || slices.Max(x) != want {
				t.Errorf("%s is %v, want %v", e.Name, x, want)
			}
			continue
		}
		b := bounds[e.Name]
		if slices.Min(x) < -b || slices.Max(x) > b || slices.Min(x) == slices.Max(x) {
			t.Errorf("%s lies in %v to %v, want within %v", e.Name, slices.Min(x), slices.Max(x), b)
		}
		if e.Len() > 30 && (slices.Min(x) > -.8*b || slices.Max(x) < .8*b) {
			t.Errorf("%s only fills %v to %v of %v", e.Name, slices.Min(x), slices.Max(x), b)
		}
	}
	if scale, _ := l.Find("stem/scale"); v[scale.Offset] != 1 {
		t.Errorf("the batch norm starts at scale %v", v[scale.Offset])
	}
	if !slices.Equal(v, l.Initialize(rand.New(rand.NewPCG(1, 2)))) {
		t.Error("the same generator gives other weights")
	}
}

// A frozen graph computes from constants what the eval program computes.
func TestFreeze(t *testing.T) {
	p := programs(t, tinySpec())["eval"]
	in := inputs(p, 11)

	single := func(name string) (x []float32) {
		for i, v := range in[name].F { // values that float32 cannot hold would differ
			x = append(x, float32(v))
			in[name].F[i] = float64(x[i])
		}
		return x
	}
	tensors := p.Tensors(single("weights"), single("running_mean"), single("running_variance"))
	want, _ := run(t, p, in)
	g, err := graphgen.Freeze("net", tensors, func(n *graphgen.Net) {
		images := n.G.Input("image", ir.T(ir.Float, 2, 3, 4, 4))
		n.G.Output("logits", tiny(n, images).Logits)
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := eval.Run(g, map[string]*eval.Tensor{"image": in["images"],
		"mix/normal": in["mix/normal"]})
	if err != nil {
		t.Fatal(err)
	}
	check.Close(t, "logits", got["logits"].F, want["logits"].F, 1e-12, 0)
	for _, n := range g.Nodes {
		if domain, kind := n.Op.OpType(); domain != ir.Onnx {
			t.Errorf("frozen graph has %s.%s", domain, kind)
		}
	}
	if m, err := onnx.Model(g, onnx.Options{}); err != nil || len(m.OpsetImport) != 1 {
		t.Errorf("model: %v, %v", m.GetOpsetImport(), err)
	}
}

// Two layers with the same name would share weights or statistics unnoticed.
func TestNamesAreUnique(t *testing.T) {
	for what, layer := range map[string]func(n *graphgen.Net, x *ir.Value) *ir.Value{
		"l/scale": func(n *graphgen.Net, x *ir.Value) *ir.Value {
			return op.Mul{}.Of(x, n.Weight("scale", 0, 1, 1))
		},
		"which BatchNormInternal (l) reads too": func(n *graphgen.Net, x *ir.Value) *ir.Value {
			return n.BatchNorm(x, n.Ones(3), n.Zeros(3))
		},
	} {
		s := tinySpec()
		s.Forward = func(n *graphgen.Net, x *ir.Value) graphgen.Scores {
			n.Weight("w", 0, 1, 1)
			for range 2 {
				n.G.In("l", func() { x = layer(n, x) })
			}
			return graphgen.Scores{Logits: op.Flatten{}.Of(op.GlobalAveragePool{}.Of(x))}
		}
		_, err := s.WeightStep()
		check.Error(t, err, what)
	}
}

// Every tensor that a program uses must be in the state of the training program.
func TestEvaluationHasNoWeightsOfItsOwn(t *testing.T) {
	s := tinySpec()
	s.Forward = func(n *graphgen.Net, x *ir.Value) graphgen.Scores {
		out := tiny(n, x)
		if n.Mode == graphgen.Eval {
			out.Logits = op.Mul{}.Of(out.Logits, n.Weight("temperature", 0, 1, 1))
		}
		return out
	}
	_, err := s.Evaluate()
	check.Error(t, err, "eval: ", "the training network has no tensor /temperature")
}

// A spec that has learnt its layouts makes the same programs and builds the network once per
// program.
func TestLearn(t *testing.T) {
	s, built := tinySpec(), 0
	s.Forward = func(n *graphgen.Net, images *ir.Value) graphgen.Scores {
		built++
		return tiny(n, images)
	}
	plain := programs(t, s)
	built = 0
	learnt := programs(t, check.Must(s.Learn())(t))
	if built != 1+len(learnt) {
		t.Errorf("the network was built %d times for %d programs, want one more", built, len(learnt))
	}
	for name, p := range learnt {
		if !bytes.Equal(p.Model, plain[name].Model) {
			t.Errorf("%s: another program after learning", name)
		}
	}
	s.Forward = func(n *graphgen.Net, images *ir.Value) graphgen.Scores {
		n.G.Fail("no network")
		return graphgen.Scores{}
	}
	_, err := s.Learn()
	check.Error(t, err, "no network")
}
