package memory

import (
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/pass"
	"zos-ort/models/method"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// Every pass by itself, and all together, leave losses and gradients as they are: the loss, the
// gradients of the mixing weights, and those of the weights, which the first step leaves in the
// momentum. Recomputation keeps every bit. The others are exact in real numbers, which package
// supernet tests to 1e-9; float32 rounds sums in another order, and batch norms over a dozen numbers
// make that larger: single weight gradients differ by up to 1e-4 of their length, the loss by 1e-5.
func TestPassesAreExactInTheRuntime(t *testing.T) {
	openRuntime(t)
	for _, name := range []string{"darts-rnd", "zos-rnd"} {
		m := check.Must(method.Find(name))(t)
		c := small(3)
		c.Images.Size, c.Ranking.Xi, c.Execution.Passes = 8, .15, settings.PassesNone
		want := numbersOf(t, c, m)
		for _, list := range append(pass.Names(), settings.PassKernels, settings.PassRecompute, settings.PassesAll) {
			c.Execution.Passes = list
			got := numbersOf(t, c, m)
			if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
				t.Fatalf("%s, passes %s: other results than without", name, list)
			}
			for key, x := range want {
				tolerance := 1e-4
				switch {
				case list == settings.PassRecompute:
					tolerance = 0
				case strings.HasSuffix(key, " loss"):
					tolerance = 1e-5
				}
				if d := distance(got[key], x); !(d <= tolerance) {
					t.Errorf("%s, passes %s: %s differs by %.2g", name, list, key, d)
				}
			}
		}
	}
}

// numbersOf runs both steps of a method once, on inputs that depend on their names alone.
func numbersOf(t *testing.T, c settings.Experiment, m method.Method) map[string][]float32 {
	t.Helper()
	numbers := map[string][]float32{}
	for _, p := range check.Must(Predict(c.With(m), 1))(t).Programs {
		trial := check.Must(meter.NewTrial(p.Program, ort.Options{Threads: 1}))(t)
		defer trial.Close()
		fillByName(trial)
		outputs, _, err := trial.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer meter.CloseTensors(outputs)
		for _, port := range p.Signature.Outputs {
			if port.Role == graphgen.Loss || port.Role == graphgen.Norm || port.Role == graphgen.Gradient {
				numbers[p.Name+" "+port.Name] = slices.Clone(outputs[port.Name].Float32())
			}
		}
		if p.Name == "weight_step" {
			momentum := trial.Inputs["momentum"].Float32()
			for _, e := range p.Weights {
				numbers["gradient of "+e.Name] = slices.Clone(momentum[e.Offset : e.Offset+e.Len()])
			}
		}
	}
	return numbers
}

// fillByName draws the inputs of a program, every weight and every other tensor by its name.
func fillByName(t *meter.Trial) {
	draw := func(name string, x []float32, center, width float32) {
		h := fnv.New64a()
		h.Write([]byte(name))
		rng := rand.New(rand.NewPCG(h.Sum64(), 1))
		for i := range x {
			x[i] = center + width*float32(rng.NormFloat64())
		}
	}
	for _, port := range t.Program.Signature.Inputs {
		in := t.Inputs[port.Name]
		switch port.Role {
		case graphgen.Param:
			for _, e := range t.Program.Weights {
				draw(e.Name, in.Float32()[e.Offset:e.Offset+e.Len()], 0, .3)
			}
		case graphgen.Momentum:
			clear(in.Float32())
		case graphgen.Image:
			draw(port.Name, in.Float32(), 0, 1)
		case graphgen.MixWeight:
			draw(port.Name, in.Float32(), .3, .05)
		case graphgen.Label:
			for i := range in.Int64() {
				in.Int64()[i] = int64(i)
			}
		}
	}
}

// distance is the length of the difference relative to that of want.
func distance(got, want []float32) float64 {
	var difference, length float64
	for i := range want {
		d := float64(got[i]) - float64(want[i])
		difference += d * d
		length += float64(want[i]) * float64(want[i])
	}
	if difference == 0 {
		return 0
	}
	return math.Sqrt(difference / length)
}
