package settings

import (
	"fmt"
	"strconv"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/terminal"
)

// What becomes of the learning rate of the weights with several ranks.
const (
	ScaleNone   = "none"
	ScaleLinear = "linear" // times the number of ranks, as their batch is
)

// Values of --mpi.
const (
	MPIAuto = "auto" // if a launcher of MPI has started the process as one of several
	MPIOn   = "on"
	MPIOff  = "off"
)

// MPIFlag says whether the processes that a launcher has started share a run.
func MPIFlag() cli.Flag {
	return &cli.StringFlag{Name: "mpi", Value: MPIAuto, Usage: "share the run with the other processes that mpirun or srun has " +
		"started: auto, on or off"}
}

// CheckMPI checks the value of --mpi.
func CheckMPI(value string) error {
	if value != MPIAuto && value != MPIOn && value != MPIOff {
		return terminal.Usagef("unknown --mpi %q: use %s, %s or %s", value, MPIAuto, MPIOn, MPIOff)
	}
	return nil
}

// On says how many ranks share the run. Those on one machine share its processors, unless the command line or the run
// to resume says how many threads each has.
func (r *Resolved) On(ranks, local, seat int, threads bool) {
	if ranks < 2 {
		return
	}
	r.Execution.Ranks, r.Execution.Local, r.Execution.Seat = ranks, local, seat
	if n := r.LocalRanks(); n > 1 && !threads {
		r.Experiment.Device.Threads = max(1, host.Processors()/n)
	}
}

// RankCount is their number, 1 for a process alone.
func (e Experiment) RankCount() int { return max(1, e.Execution.Ranks) }

// batchOfAll names the batch of all ranks.
func (e Experiment) batchOfAll(batch int) string {
	if e.RankCount() == 1 {
		return strconv.Itoa(batch)
	}
	return fmt.Sprintf("%d on %d ranks", batch, e.RankCount())
}

// LocalRanks are those on this machine, which share its processors and its memory.
func (e Experiment) LocalRanks() int { return max(1, e.Execution.Local) }

// ScaledRate is a learning rate of the weights for the number of ranks, as --scale-lr has it.
func (e Experiment) ScaledRate(rate float64, scale string) float64 {
	if scale == ScaleLinear {
		return rate * float64(e.RankCount())
	}
	return rate
}

// checkScale checks the value of --scale-lr.
func checkScale(scale string) error { return checkWord("scale-lr", scale, ScaleNone, ScaleLinear) }

// checkRanks refuses what several ranks cannot share.
func (e Experiment) checkRanks() error {
	if e.RankCount() > 1 && e.Execution.Shard != "" {
		return terminal.Usagef("--shard is for processes that know nothing of each other: the %d ranks share the ranking anyway",
			e.RankCount())
	}
	return nil
}
