package profile

import (
	"context"
	"fmt"
	"strconv"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/ort"
	"zos-ort/ort/kernels"
)

// smallShare is the part of a step below which operators share a line of the table. The file has
// them all.
const smallShare = .005

// Programs profiles programs one by one, writes profile.csv and the traces, and prints what takes the time
// beside what the machine can do at most.
func Programs(ctx context.Context, list []*graphgen.Program, o ort.Options, dir rundir.Dir,
	p *terminal.Console) error {
	limits, err := kernels.MeasureLimits(o.Threads)
	if err != nil {
		return err
	}
	p.Result("limits of %s, kernels %s: %s", terminal.Count(o.Threads, "thread"), kernels.Level(),
		limitsText(limits))
	var all []programProfile
	for _, program := range list {
		p.Say("profiling %s", program.Name)
		profile, err := profileProgram(ctx, program, o, dir)
		if err != nil {
			return err
		}
		all = append(all, profile)
		if err := profile.print(p, limits); err != nil {
			return err
		}
	}
	return dir.Write("profile.csv", terminal.CSV(profileRows(all, limits)))
}

func limitsText(l kernels.Limits) string {
	return fmt.Sprintf("%.0f GFLOP/s in registers, %.1f GB/s from memory, %.0f GB/s from the caches",
		l.GFlops, l.Memory, l.Cache)
}

// least is the time in seconds that the work of an operator takes at the limits of the machine, if
// nothing is in the caches.
func (o operatorProfile) least(l kernels.Limits) float64 {
	return max(o.Work.Flops/l.GFlops, o.Work.Bytes/l.Memory) / 1e9
}

// nodes is the time in all operators; the rest of a run is between them.
func (r programProfile) nodes() (sum float64) {
	for _, o := range r.Operators {
		sum += o.Seconds
	}
	return sum
}

func (r programProfile) print(p *terminal.Console, l kernels.Limits) error {
	var cells [][]string
	var rest operatorProfile
	for _, o := range r.Operators {
		if o.Seconds < smallShare*r.Run {
			rest.Count += o.Count
			rest.Seconds += o.Seconds
			rest.Work.Flops += o.Work.Flops
			rest.Work.Bytes += o.Work.Bytes
			continue
		}
		cells = append(cells, r.cells(o, l))
	}
	if rest.Count > 0 {
		rest.Operator, rest.Provider = "others", "-"
		cells = append(cells, r.cells(rest, l))
	}
	between := operatorProfile{Operator: "between operators", Provider: "-", Seconds: r.Run - r.nodes()}
	cells = append(cells, r.cells(between, l))
	p.Result("%s: %.1f ms, fastest of %d runs; limit: least time by arithmetic or memory, of the time taken",
		r.Program, 1e3*r.Run, r.Runs)
	return p.Table([]string{"operator", "provider", "count", "ms", "share", "GFLOP/s", "GB/s", "limit"},
		cells)
}

func (r programProfile) cells(o operatorProfile, l kernels.Limits) []string {
	line := []string{o.Operator, o.Provider, strconv.Itoa(o.Count), fmt.Sprintf("%.2f", 1e3*o.Seconds),
		fmt.Sprintf("%.1f %%", 100*o.Seconds/r.Run)}
	if o.Work.Bytes == 0 || o.Seconds <= 0 {
		return append(line, "-", "-", "-")
	}
	return append(line, fmt.Sprintf("%.1f", o.Work.Flops/o.Seconds/1e9),
		fmt.Sprintf("%.1f", o.Work.Bytes/o.Seconds/1e9), fmt.Sprintf("%.0f %%", 100*o.least(l)/o.Seconds))
}

// profileRows is profile.csv: one row per operator and program.
func profileRows(all []programProfile, l kernels.Limits) [][]string {
	rows := [][]string{{"program", "operator", "provider", "count", "seconds", "share", "flops", "bytes",
		"least_seconds"}}
	for _, r := range all {
		for _, o := range r.Operators {
			rows = append(rows, []string{r.Program, o.Operator, o.Provider, strconv.Itoa(o.Count),
				terminal.Number(o.Seconds), terminal.Number(o.Seconds / r.Run), terminal.Number(o.Work.Flops), terminal.Number(o.Work.Bytes),
				terminal.Number(o.least(l))})
		}
		rows = append(rows, []string{r.Program, "between operators", "", "0", terminal.Number(r.Run - r.nodes()),
			terminal.Number(1 - r.nodes()/r.Run), "0", "0", "0"})
	}
	return rows
}
