package settings

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"zos-ort/cmd/internal/costs"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/budget"
)

// completeCosts makes the path of the table one that holds anywhere.
func (b *Budget) completeCosts() (err error) {
	switch {
	case b.Latency != "" && b.Costs == "":
		return terminal.Usagef("--max-latency needs --costs FILE, a table of zos-ort costs --measure")
	case b.Latency == "" && b.Costs != "":
		return terminal.Usagef("--costs is for --max-latency, which is missing")
	case b.Costs != "":
		b.Costs, err = filepath.Abs(b.Costs)
	}
	return err
}

// KeptIn is the budget with the table that a run's folder has kept.
func (b Budget) KeptIn(folder string) Budget {
	if kept := rundir.Dir(folder).Path(rundir.CostsFile); b.Costs != "" && rundir.Exists(kept) {
		b.Costs = kept
	}
	return b
}

// KeepCosts copies the table of the budget into the folder of the run that begins, which uses the copy from then on.
func (e *Experiment) KeepCosts(dir rundir.Dir) error {
	if e.Budget.Costs == "" {
		return nil
	}
	if !rundir.Exists(dir.Path(rundir.CostsFile)) {
		b, err := os.ReadFile(e.Budget.Costs)
		if err == nil {
			err = dir.Write(rundir.CostsFile, b)
		}
		if err != nil {
			return fmt.Errorf("costs: %w", err)
		}
	}
	e.Budget = e.Budget.KeptIn(string(dir))
	return nil
}

// keepCosts makes a resumed run use the table that it has saved. One that the command line names must say the same.
func (r *Resolved) keepCosts(dir string) error {
	kept, asked := rundir.Dir(dir).Path(rundir.CostsFile), r.Budget.Costs
	if asked == "" || !rundir.Exists(kept) {
		return nil
	}
	if asked != r.before.Budget.Costs {
		given, err := os.ReadFile(asked)
		if err != nil {
			return fmt.Errorf("costs: %w", err)
		}
		own, err := os.ReadFile(kept)
		if err != nil {
			return fmt.Errorf("costs: %w", err)
		}
		if !bytes.Equal(given, own) {
			return fmt.Errorf("cannot resume: the latencies of %s are not those of the run, %s", asked, kept)
		}
	}
	r.Budget.Costs, r.before.Budget.Costs = kept, kept
	return nil
}

// latencyLimit is --max-latency with the table of --costs, which must be one of the network that is exported. The images
// decide later how large they are.
func (e Experiment) latencyLimit() (l budget.Limit, err error) {
	most, err := time.ParseDuration(e.Budget.Latency)
	if err != nil || most <= 0 {
		return l, terminal.Usagef("--max-latency must be a time such as 20ms or 1.5s, got %q", e.Budget.Latency)
	}
	t, err := costs.Read(e.Budget.Costs)
	if err != nil {
		return l, terminal.Usage(err)
	}
	image := e.Images.Size
	if image == 0 {
		image = t.Image
	}
	if err := t.Fit(e.Space, e.Export.Size(), image); err != nil {
		return l, terminal.Usage(fmt.Errorf("%s: %w", e.Budget.Costs, err))
	}
	c, err := t.Costs()
	return budget.Limit{Name: "latency", Most: float64(most) / float64(time.Millisecond), Costs: c, Print: printLatency}, err
}

// printLatency prints milliseconds, rounded up: who gives the least latency as printed gets a network.
func printLatency(ms float64) string { return fmt.Sprintf("%.3f ms", math.Ceil(1000*ms-1e-6)/1000) }
