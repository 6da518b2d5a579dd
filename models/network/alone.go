package network

import (
	"fmt"

	"zos-ort/graphgen"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
	"zos-ort/models/nn"
	"zos-ort/models/space"
)

// Alone is an operation at a place, in as much of a network as it takes to run it as there: a convolution that brings
// images to the channels of the place, as before a cell; some states; copies of the operation with weights of their own,
// each on another state, added up as in a node; a head. What one more copy adds is what the operation costs, with its
// addition.
type Alone struct {
	space.Place
	Copies int // from 1 to AloneStates
}

// AloneStates is the number of states that copies can read. They are all there, however many copies there are.
const AloneStates = 5

// aloneClasses are the outputs of the head.
const aloneClasses = 2

// Spec describes the programs of the network, which give the layout of its weights.
func (a Alone) Spec() graphgen.Spec {
	return graphgen.Spec{Forward: a.Forward(), Batch: 1, Image: a.Side, Classes: aloneClasses,
		SGD: graphgen.PaperSGD, Lowering: pass.Lowering{Passes: pass.Share}}
}

// Forward builds the network.
func (a Alone) Forward() graphgen.Forward {
	norms := nn.Norms{Inner: nn.Affine, Last: nn.Affine}
	return func(n *graphgen.Net, images *ir.Value) graphgen.Scores {
		var x, sum *ir.Value
		n.G.In("before", func() { x = nn.ReLUConvBN(n, images, a.Channels, true) })
		states := []*ir.Value{x}
		for range AloneStates - 1 {
			states = append(states, op.Add{}.Of(states[len(states)-1], x))
		}
		for i := range a.Copies {
			y := states[AloneStates-1-i] // the last one first, which needs the others
			if !a.Op.IsSkip() || a.Stride > 1 {
				n.G.In(fmt.Sprint("copy", i), func() { y = nn.Apply(n, y, a.Op, a.Stride, norms) })
			}
			if sum == nil {
				sum = y
			} else {
				sum = op.Add{}.Of(sum, y)
			}
		}
		return graphgen.Scores{Logits: nn.Head(n, sum, space.Skeleton{}, aloneClasses)}
	}
}
