package network_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/deploy"
	"zos-ort/graphgen/pass"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/models/space/spacetest"
)

// The closed forms count what the programs have, in every space. A graph leaves out operations whose results nobody
// reads, which cells with one last node may have.
func TestCosts(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, name := range space.Shipped() {
		s := check.Must(space.Open(name))(t)
		for range 6 {
			g := check.Must(space.RandomGenotype(rng, s.FullMask().Drop(space.None)))(t)
			c := network.Config{Genotype: g, Channels: 8, Cells: 3 + rng.IntN(5), Classes: 7}
			p := check.Must(graphgen.Spec{Forward: c.Forward(), Batch: 1, Image: 16, Classes: 7}.Evaluate())(t)
			if n := space.NetworkParams(g, c.Channels, c.Cells, c.Classes, false); n != p.Weights.Len() {
				t.Errorf("%s %v: %d parameters, the program has %d", name, g, n, p.Weights.Len())
			}
			got := deploy.Count(p.Graph)
			if n := space.NetworkMACs(g, c.Channels, c.Cells, c.Classes, 16); n != got.MACs {
				t.Errorf("%s %v: %d multiply-accumulates, the graph has %d", name, g, n, got.MACs)
			}
		}
	}
}

// Networks of any architecture train, and are exported: also of cells in which a node has no operation, or nobody reads
// one.
func TestEveryArchitecture(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var spaces []*space.Space
	for range 20 {
		spaces = append(spaces, check.Must(space.Parse(spacetest.Document(rng)))(t))
	}
	nb201 := check.Must(space.Open("nb201"))(t)
	for range 6 {
		spaces = append(spaces, nb201)
	}
	list := []space.Genotype{
		check.Must(nb201.ParseGenotype("|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"))(t),
		check.Must(nb201.ParseGenotype("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"))(t)}
	for _, s := range spaces {
		list = append(list, check.Must(space.RandomGenotype(rng, s.FullMask()))(t))
	}
	for _, g := range list {
		c := network.Config{Genotype: g, Channels: 4, Cells: 3, Classes: 3}.WithDropPath(.2)
		spec := c.Spec(2, 8, pass.Lowering{Passes: pass.All, Target: pass.CPUKernels})
		step := check.Must(spec.WeightStep())(t)
		if err := step.Graph.Verify(); err != nil {
			t.Errorf("%v: %v", g, err)
		}
		if n := space.NetworkParams(g, c.Channels, c.Cells, c.Classes, false); n != step.Weights.Len() {
			t.Errorf("%v: %d parameters, the program has %d", g, n, step.Weights.Len())
		}
		v := step.Weights.Initialize(rng)
		tensors := step.Tensors(v, make([]float32, step.Stats.Len()), ones(step.Stats.Len()))
		graph := check.Must(c.Graph(tensors, 8))(t)
		if out := graph.Outputs[0]; !slices.Equal(out.Value.Shape, []int{1, 3}) {
			t.Errorf("%v: logits %v", g, out.Value.Shape)
		}
	}
}

func ones(n int) []float32 { return slices.Repeat([]float32{1}, n) }
