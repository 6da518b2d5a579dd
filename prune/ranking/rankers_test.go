package ranking_test

import (
	"context"
	"math"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/prune"
	"zos-ort/prune/proxy"
)

// What a ranker says of a network that lacks an operation by a gate is what it says of the network without it:
// closed gates hide weights, arithmetic, gradients and ReLUs.
func TestGatesHideFromEveryRanker(t *testing.T) {
	dropped := []space.Candidate{{Cell: space.Normal, Edge: 0, Op: space.MaxPool3x3},
		{Cell: space.Reduce, Edge: 1, Op: space.SepConv3x3}, {Cell: space.Normal, Edge: 9, Op: space.DilConv3x3}}
	for _, partial := range []int{1, 4} {
		s, mask := ranker(t, partial, 2), smallMask()
		s.Rankers = proxy.All
		var networks []space.Mask
		for _, c := range dropped {
			networks = append(networks, mask.Without(c))
		}
		gated := values(t, s, mask, networks)
		for i, net := range networks {
			removed := values(t, s, net, []space.Mask{net})
			for r, p := range proxy.All {
				got, want := gated[r*len(networks)+i], removed[r]
				if math.Abs(got-want) > 2e-3*math.Abs(want) {
					t.Errorf("1/%d channels, %v: %s is %v by the gate, %v by removal", partial, dropped[i], p.Name, got, want)
				}
			}
		}
		params := supernetParams(s.Net, networks[1])
		if got := gated[indexOf("params")*len(networks)+1]; got != params {
			t.Errorf("1/%d channels: %v weights, want %v", partial, got, params)
		}
	}
}

func supernetParams(c supernet.Config, m space.Mask) float64 {
	return float64(space.SupernetParams(m, c.Channels, c.Cells, c.Classes, c.Partial))
}

func indexOf(name string) int {
	for i, p := range proxy.All {
		if p.Name == name {
			return i
		}
	}
	return -1
}

func values(t *testing.T, s interface {
	Open(context.Context, space.Mask) (prune.Session, error)
}, mask space.Mask, networks []space.Mask) prune.Norms {
	t.Helper()
	session := check.Must(s.Open(t.Context(), mask))(t)
	defer session.Close()
	norms := prune.NewNorms(len(networks) * len(proxy.All))
	check.Must(0, session.Norms(context.Background(), 0, networks, norms, func() {}))(t)
	return norms
}
