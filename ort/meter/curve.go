package meter

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"zos-ort/graphgen"
	"zos-ort/ort"
)

// Curve runs a program once on the CPU and returns the most bytes that the runtime had in use while each node ran, in
// order of execution. Inputs and what the session holds before the run do not count, outputs do.
func Curve(ctx context.Context, p *graphgen.Program, o ort.Options) (bytes []int64, err error) {
	ledger, err := ort.NewLedger()
	if err != nil {
		return nil, err
	}
	defer ledger.Close()
	folder, err := os.MkdirTemp("", "zos-trace-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	o.CPUArena, o.HostPool, o.Ledger, o.Profile = false, false, true, filepath.Join(folder, "trace")
	uses, begun, err := traced(ctx, p, o, ledger)
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(o.Profile + "*")
	if err != nil || len(files) != 1 {
		return nil, fmt.Errorf("measure %s: %d traces", p.Name, len(files))
	}
	events, err := ReadTrace(files[0])
	if err != nil {
		return nil, err
	}
	return byNode(uses, nodeStarts(events, begun)), nil
}

// traced makes the run. When it returns, the trace is written.
func traced(ctx context.Context, p *graphgen.Program, o ort.Options, l *ort.Ledger) (uses []ort.Use, begun time.Time, err error) {
	t, err := NewTrial(p, o)
	if err != nil {
		return nil, begun, err
	}
	defer t.Close()
	if begun, err = t.session.ProfilingStart(); err != nil {
		return nil, begun, err
	}
	before := int64(0)
	if opened := l.Take(); len(opened) > 0 {
		before = opened[len(opened)-1].Bytes
	}
	outputs, _, err := t.Run(ctx)
	uses = l.Take()
	CloseTensors(outputs)
	for i := range uses {
		uses[i].Bytes -= before
	}
	return uses, begun, err
}

// nodeStarts are the times at which nodes began, in order.
func nodeStarts(events []TraceEvent, begun time.Time) (starts []time.Time) {
	events = slices.DeleteFunc(events, func(e TraceEvent) bool { _, ok := e.Node(); return !ok })
	slices.SortStableFunc(events, func(a, b TraceEvent) int { return cmp.Compare(a.Start, b.Start) })
	for _, e := range events {
		starts = append(starts, begun.Add(time.Duration(e.Start)*time.Microsecond))
	}
	return starts
}

// byNode is the most that was in use between the start of each node and that of the next.
func byNode(uses []ort.Use, starts []time.Time) []int64 {
	most, now, next := make([]int64, len(starts)), int64(0), 0
	for i := range starts {
		for ; next < len(uses) && uses[next].At.Before(starts[i]); next++ {
			now = uses[next].Bytes
		}
		most[i] = now
		for ; next < len(uses) && (i+1 == len(starts) || uses[next].At.Before(starts[i+1])); next++ {
			now = uses[next].Bytes
			most[i] = max(most[i], now)
		}
	}
	return most
}
