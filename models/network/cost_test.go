package network_test

import (
	"math/rand/v2"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/deploy"
	"zos-ort/models/network"
	"zos-ort/models/space"
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
