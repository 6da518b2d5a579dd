package stages

import (
	"errors"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/ranks"
	"zos-ort/ort"
	"zos-ort/ort/nccl"
)

// connect lets ranks that all have a GPU open sum on the GPUs. Where NCCL is missing, or cannot be used, such as by two
// ranks on one GPU, sums stay with MPI and go through the memory of the host, and one line says so. All ranks call it.
func (r *Run) connect() error {
	if r.Ranks.Size() == 1 {
		return nil
	}
	open := []float64{0}
	if r.Device.CUDA != nil && r.Device.Meter != nil {
		open[0] = 1
	}
	if err := r.Ranks.Sum64(open); err != nil || int(open[0]) < r.Ranks.Size() {
		return err
	}
	g, err := nccl.Open(r.Ranks, ort.FindNCCL(ort.CUDAFolders()), *r.Device.CUDA)
	if errors.As(err, new(ranks.Agreed)) {
		r.Console.Say("sums over the ranks: through the memory of the host (%s)", terminal.OneLine(err.Error()))
		return nil
	}
	if err != nil {
		return err
	}
	r.Console.Say("sums over the ranks: NCCL %s on the GPUs", g.Version)
	r.Ranks = g
	return nil
}

// disconnect gives the GPUs' part of the group back.
func (r *Run) disconnect() {
	if g, ok := r.Ranks.(*nccl.Group); ok {
		g.Leave()
		r.Ranks = g.Group
	}
}
