package ort

import (
	"slices"
	"testing"
)

// tuneModels fit p = x w by plain SGD: loss = mean (p-y)^2 and its gradient 2/rows x' (p-y).
func tuneModels() Artifacts {
	loss := func(m *model) *model {
		return m.one("MatMul", "p", "x", "w").one("Sub", "e", "p", "y").one("Mul", "ee", "e", "e").
			op("ReduceMean", "", []string{"ee"}, []string{"loss"}, intAttr("keepdims", 0)).
			out("loss", Float)
	}
	ports := func() *model {
		return new(model).in("x", Float, rows, 2).in("y", Float, rows, 1).in("w", Float, 2, 1)
	}
	const buffer, flag = "w_grad.accumulation.buffer", "w_grad.accumulation.out"
	train := loss(ports().in(buffer, Float, 2, 1).in(lazyReset, Bool, 1).scalar("scale", 2./rows)).
		one("Transpose", "xt", "x").one("MatMul", "xe", "xt", "e").one("Mul", "g", "xe", "scale").
		op("InPlaceAccumulatorV2", "com.microsoft", []string{buffer, "g", lazyReset}, []string{flag}).
		out(flag, Bool, 1)
	optimizer := new(model).in("learning_rate", Float, 1).in("step", Int64, 1).sequence("params").
		sequence("gradients").sequence("first_order_moments").
		op("SGDOptimizerV2", "com.microsoft", []string{"learning_rate", "params", "gradients"},
			[]string{"done"}).out("done", Bool, 1)
	return Artifacts{Train: train.bytes(), Eval: loss(ports()).out("p", Float, rows, 1).bytes(),
		Optimizer: optimizer.bytes()}
}

// sequence declares an input that is a list of float tensors (TypeProto.sequence_type = 4).
func (m *model) sequence(name string) *model {
	tensor := pbBytes(1, pbInt(1, int(Float)))
	list := pbBytes(2, pbBytes(4, pbBytes(1, tensor)))
	m.graph = append(m.graph, pbBytes(11, pb(pbText(1, name), list))...)
	return m
}

func TestFineTune(t *testing.T) {
	start(t)
	s := must(NewState([]Param{{Name: "w", Shape: []int{2, 1}, Data: make([]float32, 2),
		Trainable: true}}))(t)
	defer s.Close()
	f := must(NewFineTuner(s, tuneModels(), Options{Threads: 1}))(t)
	data := newFit(t, Options{Threads: 1}) // for its tensors
	defer data.close()
	in := map[string]*Tensor{"x": data.x, "y": data.y}
	train := must(f.Bind(in, map[string]*Tensor{"loss": data.loss}))(t)
	if got := f.OutputNames(); !slices.Equal(got, []string{"loss"}) {
		t.Errorf("outputs %v, want the loss alone", got)
	}
	p := must(NewTensor(Float, rows, 1))(t)
	defer p.Close()
	eval := must(f.BindEval(in, map[string]*Tensor{"p": p}))(t)
	w := func(want ...float64) {
		t.Helper()
		got := make([]float32, 2)
		ok(t, s.Get("w", got))
		ok(t, eval.Run())
		for i, v := range want {
			if !near(got[i], float32(v), 1e-6) {
				t.Errorf("w = %v, want %v", got, want)
			}
		}
		if x := data.x.Float32(); !near(p.Float32()[3], x[6]*got[0]+x[7]*got[1], 1e-6) {
			t.Errorf("the evaluation gives %v for %v w, w = %v", p.Float32()[3], x[6:8], got)
		}
	}
	var g [2]float64 // the gradient at 0
	for i, v := range data.y.Float32() {
		for j := range g {
			g[j] -= 2. / rows * float64(data.x.Float32()[2*i+j]) * float64(v)
		}
	}
	ok(t, f.SetLearningRate(0)) // gradients add up until they are reset
	for range 3 {
		ok(t, train.Run())
		ok(t, f.OptimizerStep())
	}
	w(0, 0)
	ok(t, f.SetLearningRate(.01))
	ok(t, f.OptimizerStep())
	w(-.03*g[0], -.03*g[1])
	ok(t, s.Set("w", make([]float32, 2)))
	ok(t, f.LazyResetGrad())
	ok(t, train.Run())
	ok(t, f.OptimizerStep())
	w(-.01*g[0], -.01*g[1])
	ok(t, f.SetLearningRate(.1))
	first := data.loss.Float32()[0]
	for range 100 {
		ok(t, f.LazyResetGrad())
		ok(t, train.Run())
		ok(t, f.OptimizerStep())
	}
	if last := data.loss.Float32()[0]; last > 1e-6 || first < .1 {
		t.Errorf("loss went from %g to %g", first, last)
	}
	f.Close()
	wantErr(t, f.OptimizerStep(), ErrClosed)
	wantErr(t, eval.Run(), ErrClosed)
}

func TestFineTunerRefuses(t *testing.T) {
	start(t)
	s := must(NewState(fitParams()))(t)
	defer s.Close()
	a := tuneModels()
	a.Eval = nil
	_, err := NewFineTuner(s, a, Options{Threads: 1})
	wantErr(t, err, ErrModel, "evaluation")
	a = tuneModels()
	a.Optimizer = nil
	_, err = NewFineTuner(s, a, Options{Threads: 1})
	wantErr(t, err, ErrModel, "optimizer")
	a.Optimizer = []byte("garbage")
	_, err = NewFineTuner(s, a, Options{Threads: 1})
	ortErr(t, err, "create trainer")
}
