package settings

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/pass"
)

// Values of --passes besides the names of package pass.
const (
	PassesAll     = "all"
	PassesNone    = "none"
	PassKernels   = "kernels"   // programs for our own CPU operators
	PassRecompute = "recompute" // values again in the backward pass
)

// PassesPortable make graphs for any runtime without computing anything twice.
var PassesPortable = strings.Join(pass.Names(), ",")

// PassesFlag chooses the rewrites of the graphs.
func PassesFlag() cli.Flag {
	return &cli.StringFlag{Name: "passes", Value: PassesAll, Usage: "rewrites of the graphs: all, none or a " +
		"list of share (equal operations), pools (per state), mix (weights in batch norms),\n" +
		"shuffle (once per node), reduce (in one convolution), indices (in one byte), kernels (our own),\n" +
		"recompute (again in the backward pass)"}
}

// HasPass reports whether a pass is on.
func (x Execution) HasPass(name string) bool {
	return x.Passes == "" || x.Passes == PassesAll || slices.Contains(strings.Split(x.Passes, ","), name)
}

// Lowering is how the programs are made: for the device, with the passes that the settings name.
func (e Experiment) Lowering() (l pass.Lowering, err error) {
	x := e.Execution
	var names []string
	for name := range strings.SplitSeq(x.Passes, ",") {
		switch name {
		case "", PassesAll, PassesNone, PassKernels, PassRecompute:
		default:
			names = append(names, name)
		}
	}
	if l.Passes, err = pass.Parse(names...); err != nil || strings.Contains(x.Passes, ",") &&
		(slices.Contains(strings.Split(x.Passes, ","), PassesAll) ||
			slices.Contains(strings.Split(x.Passes, ","), PassesNone)) {
		return l, terminal.Usagef("unknown passes %q: use all, none or a list of %s,%s,%s", x.Passes,
			PassesPortable, PassKernels, PassRecompute)
	}
	if x.Passes == "" || x.Passes == PassesAll {
		l.Passes, l.Recompute = pass.All, pass.RecomputeAuto
	} else if x.HasPass(PassRecompute) {
		l.Recompute = pass.RecomputeOn
	}
	switch {
	case e.Device.GPU && e.Device.Precision == BF16 && x.GPUKernels == OwnKernels:
		l.Target = pass.CUDAOwnBFloat16
	case e.Device.GPU && e.Device.Precision == BF16:
		l.Target = pass.CUDABFloat16
	case e.Device.GPU && x.GPUKernels == OwnKernels:
		l.Target = pass.CUDAOwn
	case e.Device.GPU:
		l.Target = pass.CUDA
	case x.HasPass(PassKernels):
		l.Target = pass.CPUKernels
	}
	if x.Recompute != "" {
		l.Recompute, err = pass.ParseRecompute(x.Recompute)
	}
	return l, err
}
