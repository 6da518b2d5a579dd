// Package dataparallel says how the steps of a search run on several ranks: it measures them on a few, and predicts
// them for many.
package dataparallel

import (
	"math"

	"zos-ort/ort/program"
)

// Network is what lies between ranks.
type Network struct {
	Latency   float64 `json:"latency_seconds"`          // of a message
	Bandwidth float64 `json:"bandwidth_bytes_a_second"` // of a rank
}

// Exchange are the sums over the ranks that belong to a weight step and an alpha step.
type Exchange struct {
	Calls int `json:"calls"`
	Bytes int `json:"bytes"` // of all calls
}

// Seconds is how long the sums take on n ranks: a reduce-scatter and an allgather, each with log2 n messages, move
// 2 (n-1)/n of the bytes of a rank (Thakur, Rabenseifner and Gropp 2005, section 4.4). Adding up takes no time of its own.
func (w Network) Seconds(x Exchange, n int) float64 {
	if n < 2 {
		return 0
	}
	return float64(x.Calls)*messages(n)*w.Latency + moved(n, x.Bytes)/w.Bandwidth
}

// exchangeOf are those of a network with a number of architecture parameters: the gradient of the weights, loss and
// correct, the running statistics; loss and correct, the gradient of the alphas.
func exchangeOf(s program.Shape, alphas int) Exchange {
	x := Exchange{Calls: 4, Bytes: 4*s.Weights.Len() + 2*16 + 8*alphas}
	if n := s.Stats.Len(); n > 0 {
		x.Calls, x.Bytes = x.Calls+1, x.Bytes+2*4*n
	}
	return x
}

// messages of a sum.
func messages(n int) float64 { return 2 * math.Ceil(math.Log2(float64(n))) }

// moved are the bytes that a rank sends for sums of so many.
func moved(n, bytes int) float64 { return 2 * float64(n-1) / float64(n) * float64(bytes) }

// leastMoving is the part of the sums that counts as moving bytes at least: less is lost in the noise of the calls.
const leastMoving = .1

// networkOf is the network on which the sums take the seconds that n ranks have shown, where a sum of one number takes
// small seconds.
func networkOf(x Exchange, n int, seconds, small float64) Network {
	moving := max(seconds-float64(x.Calls)*small, leastMoving*seconds)
	return Network{Latency: small / messages(n), Bandwidth: moved(n, x.Bytes) / moving}
}

// Point is a step of every rank: a weight step and an alpha step.
type Point struct {
	Ranks      int     `json:"ranks"`
	Seconds    float64 `json:"seconds"`
	Exchange   float64 `json:"exchange_seconds"`
	Images     float64 `json:"images_a_second"` // of all ranks
	Efficiency float64 `json:"efficiency"`      // images a second over those of one rank times the ranks
}

// point completes a step of n ranks of batch images each; alone is the step of one rank.
func point(n, batch int, seconds, exchange, alone float64) Point {
	return Point{Ranks: n, Seconds: seconds, Exchange: exchange, Images: float64(2*batch*n) / seconds, Efficiency: alone / seconds}
}

// Predict is a step on n ranks, each on processors of its own, where one rank takes alone seconds.
func (w Network) Predict(x Exchange, n, batch int, alone float64) Point {
	exchange := w.Seconds(x, n)
	return point(n, batch, alone+exchange, exchange, alone)
}
