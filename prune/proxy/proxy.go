// Package proxy scores networks that are not trained, or for a short while: zero-cost proxies, each a formula or a function of what one
// program computes. A higher score means a better network, as the source of the proxy has it.
package proxy

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"zos-ort/graphgen"
)

// Needs says what a proxy looks at.
type Needs int

// Needs, in rising cost.
const (
	Formula  Needs = iota // nothing: it counts
	Forward               // a forward pass
	Gradient              // a forward and a backward pass
)

// String names the need for people.
func (n Needs) String() string { return [...]string{"formula", "forward", "gradient"}[n] }

// Proxy is a zero-cost proxy.
type Proxy struct {
	Name   string
	Needs  Needs
	About  string
	Source string
	Score  func(*Sample) (float64, error)

	Look *Look // nil for a formula

	Trained bool // the weights have to be trained for the score to mean anything
}

// Look is a program that proxies look at: what is fed to it, and what is kept of it.
type Look struct {
	Emit   func(graphgen.Spec) (*graphgen.Program, error)
	Output graphgen.Role
	Ones   bool                         // on images of ones, and with the absolute values of the weights
	All    bool                         // on every batch, not just the first
	Keep   func(s *Sample, x []float32) // puts an output where the proxies find it
}

// The programs that proxies look at.
var (
	logits = &Look{Emit: graphgen.Spec.Rank, Output: graphgen.Logits, All: true,
		Keep: func(s *Sample, x []float32) { s.Logits = append(s.Logits, x) }}
	patterns = &Look{Emit: graphgen.Spec.Patterns, Output: graphgen.Patterns,
		Keep: func(s *Sample, x []float32) { s.Patterns = x }}
	saliency = &Look{Emit: graphgen.Spec.Saliency, Output: graphgen.WeightGradient, All: true,
		Keep: func(s *Sample, x []float32) { s.Gradients = append(s.Gradients, x) }}
	flow = &Look{Emit: graphgen.Spec.Flow, Output: graphgen.WeightGradient, Ones: true,
		Keep: func(s *Sample, x []float32) { s.Flow = x }}
	jacobian = &Look{Emit: graphgen.Spec.Jacobian, Output: graphgen.ImageGradient,
		Keep: func(s *Sample, x []float32) { s.Jacobian = x }}
)

// Looks are the programs that proxies look at, each once.
func Looks(list []Proxy) (looks []*Look) {
	for _, p := range list {
		if p.Look != nil && !slices.Contains(looks, p.Look) {
			looks = append(looks, p.Look)
		}
	}
	return looks
}

// All lists the proxies.
var All = []Proxy{
	{Name: "nngp", Needs: Forward, Look: logits, Score: nngp,
		About:  "Frobenius norm of the NNGP kernel: the correlation of the logits of a batch's images",
		Source: "Rumiantsev and Coates, Half Search Space is All You Need"},
	{Name: "nngp_fit", Needs: Forward, Look: logits, Score: nngpFit,
		About:  "how well the NNGP kernel predicts the labels of images left out: variance over squared error",
		Source: "Park et al., arXiv 2011.06006"},
	{Name: "nwot", Needs: Forward, Look: patterns, Score: nwot,
		About:  "log determinant of the agreement of ReLU states between images",
		Source: "Mellor et al., ICML 2021"},
	{Name: "synflow", Needs: Gradient, Look: flow, Score: synflow,
		About:  "log of the sum of |w dR/dw|, R the sum of the logits of a linear network of |w| on ones",
		Source: "Tanaka et al., NeurIPS 2020; Abdelfattah et al., ICLR 2021"},
	{Name: "snip", Needs: Gradient, Look: saliency, Score: snip,
		About:  "sum of |w dL/dw|, L the loss of a batch",
		Source: "Lee et al., ICLR 2019; Abdelfattah et al., ICLR 2021"},
	{Name: "grad_norm", Needs: Gradient, Look: saliency, Score: gradNorm,
		About:  "sum of the norms of the layers' gradients",
		Source: "Abdelfattah et al., ICLR 2021"},
	{Name: "zico", Needs: Gradient, Look: saliency, Score: zico,
		About:  "sum over layers of the log of sum |mean of |dL/dw|| / deviation over two or more batches",
		Source: "Li et al., ICLR 2023"},
	{Name: "jacov", Needs: Gradient, Look: jacobian, Score: jacov,
		About:  "how little the images' Jacobians correlate, by the eigenvalues of their correlation matrix",
		Source: "Mellor et al., ICML 2021, first version; Abdelfattah et al., ICLR 2021"},
	{Name: "loss", Needs: Forward, Look: logits, Score: loss, Trained: true,
		About:  "minus the loss on images that did not train the network; needs a network that has been trained for a while",
		Source: "as in DARTS-PT, Wang et al., ICLR 2021, of all edges at once"},
	{Name: "l2_norm", Needs: Formula, Score: l2Norm,
		About:  "sum of the norms of the layers' initial weights",
		Source: "Krishnakumar et al., NAS-Bench-Suite-Zero, NeurIPS 2022"},
	{Name: "params", Needs: Formula, About: "number of weights", Source: "baseline",
		Score: func(s *Sample) (float64, error) { return float64(s.Layout.Len()), nil }},
	{Name: "flops", Needs: Formula, About: "arithmetic of a forward pass on one image", Source: "baseline",
		Score: func(s *Sample) (float64, error) { return s.FLOPs, nil }},
}

// Find returns the proxy of that name.
func Find(name string) (Proxy, error) {
	var names []string
	for _, p := range All {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Proxy{}, fmt.Errorf("unknown ranker %q: use one of %s", name, strings.Join(names, ", "))
}

// Parse reads names separated by commas, of proxies of untrained networks; "all" names every one. A proxy that needs more
// than most is refused.
func Parse(names string, most Needs) (list []Proxy, err error) {
	if names == "all" {
		for _, p := range All {
			if p.Needs <= most && !p.Trained {
				list = append(list, p)
			}
		}
		return list, nil
	}
	list, err = find(names, most)
	for _, p := range list {
		if p.Trained {
			return nil, fmt.Errorf("ranker %s looks at trained networks, these are not: it is for prune and search", p.Name)
		}
	}
	return list, err
}

// find reads names, each once.
func find(names string, most Needs) (list []Proxy, err error) {
	seen := map[string]bool{}
	for name := range strings.SplitSeq(names, ",") {
		p, err := Find(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		switch {
		case p.Needs > most:
			return nil, fmt.Errorf("ranker %s needs a %v pass, only a %v pass was asked for", p.Name, p.Needs, most)
		case seen[p.Name]:
			return nil, fmt.Errorf("ranker %s is named twice", p.Name)
		}
		seen[p.Name] = true
		list = append(list, p)
	}
	return list, nil
}

// ParseWeighted reads a set of rankers as nngp or nngp=1,params=.5; a weight that is not given is 1. The empty
// text is nngp.
func ParseWeighted(text string) (list []Proxy, weights []float64, err error) {
	if text == "" {
		text = "nngp"
	}
	var names []string
	for part := range strings.SplitSeq(text, ",") {
		name, number, given := strings.Cut(strings.TrimSpace(part), "=")
		weight := 1.
		if given {
			if weight, err = strconv.ParseFloat(number, 64); err != nil || !(weight > 0) || math.IsInf(weight, 0) {
				return nil, nil, fmt.Errorf("the weight of ranker %s must be positive, got %q", name, number)
			}
		}
		names, weights = append(names, name), append(weights, weight)
	}
	list, err = find(strings.Join(names, ","), Gradient)
	return list, weights, err
}

// Scores are those of a sample by every proxy.
func Scores(x *Sample, list []Proxy) ([]float64, error) {
	scores := make([]float64, len(list))
	for i, p := range list {
		var err error
		if scores[i], err = p.Score(x); err != nil {
			return nil, &NoScore{err}
		}
	}
	return scores, nil
}

// NoScore is the error of a network to which a proxy gives no number, such as one whose cells lead nowhere.
type NoScore struct{ Reason error }

func (e *NoScore) Error() string { return e.Reason.Error() }
func (e *NoScore) Unwrap() error { return e.Reason }
