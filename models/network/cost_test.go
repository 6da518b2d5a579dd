package network_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/deploy"
	"zos-ort/graphgen/op"
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

// What nobody reads is not in the graph, and not counted of what lives.
func TestCostsOfLive(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	s := check.Must(space.Open("nb201"))(t)
	dead := 0
	for range 60 {
		g := check.Must(space.RandomGenotype(rng, s.FullMask()))(t)
		c := network.Config{Genotype: g, Channels: 4, Cells: 3, Classes: 2}
		p := check.Must(graphgen.Spec{Forward: c.Forward(), Batch: 1, Image: 8, Classes: 2}.Evaluate())(t)
		got, want := deploy.Count(p.Graph).MACs, space.NetworkMACs(g.Live(), c.Channels, c.Cells, c.Classes, 8)
		if got != want {
			t.Errorf("%v: the graph has %d multiply-accumulates, what lives of it %d", g, got, want)
		}
		if got < space.NetworkMACs(g, c.Channels, c.Cells, c.Classes, 8) {
			dead++
		}
	}
	if dead == 0 {
		t.Error("no genotype had anything dead: the test says nothing")
	}
}

// A copy more of an operation costs what the place counts.
func TestAlone(t *testing.T) {
	for _, name := range space.Shipped() {
		s := check.Must(space.Open(name))(t)
		for _, x := range s.Places(space.Size{Channels: 8, Cells: 3}, 16) {
			var macs, pools [2]int
			for i, copies := range []int{1, network.AloneStates} {
				p := check.Must(network.Alone{Place: x.Place, Copies: copies}.Spec().Evaluate())(t)
				macs[i] = deploy.Count(p.Graph).MACs
				for _, n := range p.Graph.Nodes {
					switch n.Op.(type) {
					case op.MaxPool, op.AveragePool:
						pools[i]++
					}
				}
			}
			if x.Op.IsPool() && pools != [2]int{1, network.AloneStates} {
				t.Errorf("%s: %v: copies have %v pools", name, x.Place, pools)
			}
			if _, want := x.Count(); macs[1]-macs[0] != (network.AloneStates-1)*want {
				t.Errorf("%s: %v: %d more copies cost %d multiply-accumulates, one %d", name, x.Place, network.AloneStates-1,
					macs[1]-macs[0], want)
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
