package bench

import (
	"cmp"
	"context"
	"errors"
	"time"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/ort/kernels"
)

// NoPeer is the Python that leaves the peer out.
const NoPeer = "none"

// Request is what a benchmark of both sides is to do.
type Request struct {
	Cases    []Case
	Device   *device.Device
	Limit    time.Duration // for everything, roughly
	Python   string        // with PyTorch, or NoPeer
	Needed   bool          // that there is no peer is an error
	Compile  bool          // also PyTorch's compiled mode
	Patience time.Duration // for the compilation of a program
}

// Run times both sides and reports what was timed, even if an error ends it.
func (q Request) Run(ctx context.Context, p *terminal.Console) (err error) {
	b := &bencher{device: q.Device, console: p}
	precision := q.Cases[0].Device.Precision
	if b.peer, err = q.findPeer(ctx, p, precision); err != nil {
		return err
	}
	report := benchReport{Program: settings.Program, Kernels: kernels.Level(), Machine: host.CPU(), CPUs: host.Processors(),
		Date: time.Now().UTC().Format(time.RFC3339)}
	if q.Device.CUDA != nil {
		x := q.Cases[0].Execution
		report.Kernels, report.Device, report.Precision = "", q.Device.Torch(), precision
		report.GPUKernels, report.CUDAGraphs = cmp.Or(x.GPUKernels, settings.StockKernels), cmp.Or(x.CUDAGraphs, settings.GraphsOff)
	}
	if b.peer != nil {
		defer b.peer.close()
		b.all, b.peer.limit = peerModes(q.Compile), q.Patience
		report.Torch = b.peer.version
		p.Say("PyTorch %s", report.Torch)
	}
	results, failed := b.run(ctx, q.Cases, q.Limit)
	for _, r := range results {
		report.Rows = append(report.Rows, rowOf(r))
	}
	report.Skipped = append([]string{}, b.skipped...)
	if failed != nil && len(report.Rows) == 0 {
		return failed
	}
	return errors.Join(failed, report.print(p))
}

// findPeer starts the peer.
func (q Request) findPeer(ctx context.Context, p *terminal.Console, precision string) (*peer, error) {
	if q.Python == NoPeer {
		return nil, nil
	}
	found, err := startPeer(ctx, q.Python, q.Device, precision)
	if err == nil || q.Needed {
		return found, err
	}
	p.Say("PyTorch is left out (%v); --python names a Python that has it", err)
	return nil, nil
}
