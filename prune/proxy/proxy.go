// Package proxy scores untrained networks: zero-cost proxies, each a formula or a function of what one
// program computes. A higher score means a better network, as the source of the proxy has it.
package proxy

import (
	"fmt"
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

	program *source // nil for a formula
}

// source is a program, and what is fed to it and kept of it.
type source struct {
	emit   func(graphgen.Spec) (*graphgen.Program, error)
	output graphgen.Role
	feed   func(images []float32) []float32 // nil feeds the images
	linear bool                             // with the absolute values of the weights
	all    bool                             // every batch, not just the first
}

// The programs that proxies look at.
var (
	logits   = &source{emit: graphgen.Spec.Rank, output: graphgen.Logits, all: true}
	patterns = &source{emit: graphgen.Spec.Patterns, output: graphgen.Patterns}
	saliency = &source{emit: graphgen.Spec.Saliency, output: graphgen.WeightGradient, all: true}
	flow     = &source{emit: graphgen.Spec.Flow, output: graphgen.WeightGradient, feed: ones, linear: true}
	jacobian = &source{emit: graphgen.Spec.Jacobian, output: graphgen.ImageGradient}
)

func ones(images []float32) []float32 {
	x := make([]float32, len(images))
	for i := range x {
		x[i] = 1
	}
	return x
}

// All lists the proxies.
var All = []Proxy{
	{Name: "nngp", Needs: Forward, program: logits, Score: nngp,
		About:  "Frobenius norm of the NNGP kernel: the correlation of the logits of a batch's images",
		Source: "Rumiantsev and Coates, Half Search Space is All You Need"},
	{Name: "nwot", Needs: Forward, program: patterns, Score: nwot,
		About:  "log determinant of the agreement of ReLU states between images",
		Source: "Mellor et al., ICML 2021"},
	{Name: "synflow", Needs: Gradient, program: flow, Score: synflow,
		About:  "log of the sum of |w dR/dw|, R the sum of the logits of a linear network of |w| on ones",
		Source: "Tanaka et al., NeurIPS 2020; Abdelfattah et al., ICLR 2021"},
	{Name: "snip", Needs: Gradient, program: saliency, Score: snip,
		About:  "sum of |w dL/dw|, L the loss of a batch",
		Source: "Lee et al., ICLR 2019; Abdelfattah et al., ICLR 2021"},
	{Name: "grad_norm", Needs: Gradient, program: saliency, Score: gradNorm,
		About:  "sum of the norms of the layers' gradients",
		Source: "Abdelfattah et al., ICLR 2021"},
	{Name: "zico", Needs: Gradient, program: saliency, Score: zico,
		About:  "sum over layers of the log of sum |mean of |dL/dw|| / deviation over two or more batches",
		Source: "Li et al., ICLR 2023"},
	{Name: "jacov", Needs: Gradient, program: jacobian, Score: jacov,
		About:  "how little the images' Jacobians correlate, by the eigenvalues of their correlation matrix",
		Source: "Mellor et al., ICML 2021, first version; Abdelfattah et al., ICLR 2021"},
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

// Parse reads names separated by commas; "all" names every proxy. A proxy that needs more than most is
// refused.
func Parse(names string, most Needs) (list []Proxy, err error) {
	if names == "all" {
		for _, p := range All {
			if p.Needs <= most {
				list = append(list, p)
			}
		}
		return list, nil
	}
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
