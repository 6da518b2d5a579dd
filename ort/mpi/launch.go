package mpi

import (
	"cmp"
	"strconv"
)

// Launch is what the environment says of how this process was started.
type Launch struct {
	Rank, Size int // Size is 0 where a launcher has started the process and does not say of how many
	Local      int // ranks on this machine, 1 at least
	Seat       int // of this rank among them, from 0
	By         string
	mpich      bool // by a launcher of MPICH's family
	known      bool
}

// launchers are known by variables that they set for every process. PMIx, which srun --mpi=pmix and Open MPI's own
// mpirun speak, tells the rank alone; Slurm tells the rest.
var launchers = []struct {
	by, rank, size, local, seat string
	mpich                       bool
}{
	{by: "mpirun of Open MPI", rank: "OMPI_COMM_WORLD_RANK", size: "OMPI_COMM_WORLD_SIZE", local: "OMPI_COMM_WORLD_LOCAL_SIZE",
		seat: "OMPI_COMM_WORLD_LOCAL_RANK"},
	{by: "srun with PMIx", rank: "PMIX_RANK", size: "SLURM_STEP_NUM_TASKS", seat: "SLURM_LOCALID"},
	{by: "a launcher with PMI", rank: "PMI_RANK", size: "PMI_SIZE", local: "MPI_LOCALNRANKS", seat: "MPI_LOCALRANKID", mpich: true},
}

// Launched reads the environment; ok is false if no launcher of MPI has started this process.
func Launched(getenv func(string) string) (l Launch, ok bool) {
	number := func(name string) (int, bool) {
		if name == "" {
			return 0, false
		}
		n, err := strconv.Atoi(getenv(name))
		return n, err == nil && n >= 0
	}
	for _, x := range launchers {
		rank, ok := number(x.rank)
		if !ok {
			continue
		}
		l = Launch{Rank: rank, By: x.by, mpich: x.mpich, known: true}
		l.Size, _ = number(x.size)
		l.Local, _ = number(x.local)
		if n, ok := number("SLURM_STEP_TASKS_PER_NODE"); ok && l.Local == 0 { // 2(x3) on several nodes is no number
			l.Local = n
		}
		l.Local = cmp.Or(l.Local, 1)
		if l.Seat, ok = number(x.seat); !ok {
			l.Seat = l.Rank % l.Local
		}
		return l, true
	}
	return Launch{Local: 1}, false
}

// Several says whether the process is, or may be, one of several.
func (l Launch) Several() bool { return l.known && l.Size != 1 }

// Library names, by binary interface; Debian's MPICH has a name of its own.
const (
	OpenMPI     = "libmpi.so.40"
	MPICH       = "libmpi.so.12"
	DebianMPICH = "libmpich.so.12"
)

// libraries are the names to try in their order.
func (l Launch) libraries() []string {
	if l.mpich {
		return []string{MPICH, DebianMPICH, OpenMPI}
	}
	return []string{OpenMPI, MPICH, DebianMPICH}
}
