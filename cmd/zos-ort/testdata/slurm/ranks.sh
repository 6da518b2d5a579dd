#!/bin/bash
#SBATCH --ntasks=2 --time=1 --signal=TERM@15 --requeue --open-mode=append
# A search on two ranks. Before the time is over Slurm tells the ranks, which save; the job is queued again and goes on.
#
#   sbatch ranks.sh PROGRAM RUN FLAG...
program=$1 run=$2
shift 2
set -- --out "$run" "$@"
if [ -e "$run/config.json" ]; then set -- --resume "$run"; fi
srun --mpi=pmix --kill-on-bad-exit=1 "$program" search "$@"
status=$?
if [ $status = 143 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
exit $status
