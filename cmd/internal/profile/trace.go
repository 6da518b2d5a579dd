// Package profile says where the time of a program goes, operator by operator, beside what the machine can
// do at most.
package profile

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/graphgen"
	"zos-ort/graphgen/cost"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// Runs of a profile: the first touches all memory for the first time and does not count; after
// that, as many as fit into some seconds. The fastest is the profile: what else the machine does is
// least in it.
const (
	profileRuns    = 10
	profileAtLeast = 3
	profileTime    = 5 * time.Second
)

// programProfile is where the time of a program goes.
type programProfile struct {
	Program   string
	Runs      int
	Run       float64 // seconds, of the fastest run
	Operators []operatorProfile
}

// operatorProfile sums up the nodes of an operator.
type operatorProfile struct {
	Operator string // with its domain
	Provider string
	Count    int
	Seconds  float64 // of all nodes in the fastest run
	Work     cost.Work
}

// profileProgram runs a program by itself, with noise for images, and saves the runtime's trace as
// trace-PROGRAM.json.
func profileProgram(ctx context.Context, p *graphgen.Program, o ort.Options,
	dir rundir.Dir) (programProfile, error) {
	name := "trace-" + p.Name + ".json"
	prefix := dir.Path("." + name)
	o.Profile = prefix
	if err := runProfiled(ctx, p, o); err != nil {
		return programProfile{}, err
	}
	trace, err := dir.Only(filepath.Base(prefix)) // the runtime adds the time of day to the name
	if err != nil {
		return programProfile{}, fmt.Errorf("profile %s: %w", p.Name, err)
	}
	if err := os.Rename(dir.Path(trace), dir.Path(name)); err != nil {
		return programProfile{}, fmt.Errorf("profile %s: %w", p.Name, err)
	}
	return readTrace(dir.Path(name), p)
}

// runProfiled opens the program on a state of its own; the trace is written when that is closed.
func runProfiled(ctx context.Context, p *graphgen.Program, o ort.Options) error {
	net, err := meter.OpenNet([]*graphgen.Program{p}, o)
	if err != nil {
		return err
	}
	defer net.Close()
	_, err = net.Fastest(ctx, p.Name, profileAtLeast, profileRuns, time.Now().Add(profileTime))
	return err
}

// readTrace sums up the trace of a program.
func readTrace(path string, p *graphgen.Program) (programProfile, error) {
	events, err := meter.ReadTrace(path)
	if err != nil {
		return programProfile{}, fmt.Errorf("profile: %w", err)
	}
	out := programProfile{Program: p.Name}
	var runs []float64
	times, providers := map[string][]float64{}, map[string]string{}
	for _, e := range events {
		node, timed := e.Node()
		switch {
		case e.Category == "Session" && e.Name == "model_run":
			runs = append(runs, float64(e.Duration)/1e6)
		case timed:
			times[node] = append(times[node], float64(e.Duration)/1e6)
			providers[node] = e.Args.Provider
		}
	}
	if len(runs) < 2 {
		return out, fmt.Errorf("profile: %s has %d runs of %s", path, len(runs), p.Name)
	}
	best := 1
	for i := range runs {
		if i > 0 && runs[i] < runs[best] {
			best = i
		}
	}
	out.Runs, out.Run = len(runs)-1, runs[best]
	for name, t := range times {
		if len(t) != len(runs) {
			return out, fmt.Errorf("profile: %s ran %d times in %d runs of %s", name, len(t), len(runs), p.Name)
		}
		out.add(p, name, providers[name], t[best])
	}
	slices.SortFunc(out.Operators, func(a, b operatorProfile) int {
		return cmp.Or(cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(a.Operator, b.Operator))
	})
	return out, nil
}

// add counts a node with its operator.
func (r *programProfile) add(p *graphgen.Program, name, provider string, seconds float64) {
	operator, work := nodeOf(p, name)
	i := slices.IndexFunc(r.Operators, func(o operatorProfile) bool { return o.Operator == operator })
	if i < 0 {
		i = len(r.Operators)
		r.Operators = append(r.Operators, operatorProfile{Operator: operator, Provider: provider})
	}
	o := &r.Operators[i]
	o.Count++
	o.Seconds += seconds
	o.Work.Flops += work.Flops
	o.Work.Bytes += work.Bytes
}

// nodeOf finds a node by the name that its file gives it, SCOPE/OPERATOR_INDEX, and counts its work.
// The copies that files have for second names of a result are in no graph.
func nodeOf(p *graphgen.Program, name string) (operator string, work cost.Work) {
	at := strings.LastIndexByte(name, '_')
	i, err := strconv.Atoi(name[at+1:])
	if strings.HasPrefix(name, "output/") || err != nil || i >= len(p.Graph.Nodes) {
		return "Identity", work
	}
	n := p.Graph.Nodes[i]
	domain, operator := n.Op.OpType()
	if domain != "" {
		operator = domain + "." + operator
	}
	return operator, cost.Of(n)
}
