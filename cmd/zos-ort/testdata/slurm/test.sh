#!/bin/bash
# test.sh PROGRAM: runs real sweeps on a Slurm cluster of this one machine: an array of two tasks, and
# a task that is told that its time is over, is queued again and goes on; a search on two ranks likewise. Needs root; see cluster.sh.
set -eu
program=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
export SLURM_CONF="$work/cluster/slurm.conf"
trap 'bash "$here/cluster.sh" stop "$work/cluster"; rm -rf "$work"' EXIT

fail() { echo "test-slurm: $*" >&2; exit 1; }

sweep() {
  "$program" sweep --executor slurm --seeds 1 --slurm-args '--partition=main --time=10' \
    --channels 4 --cells 3 --image-size 8 --train-images 64 --batch 8 --prune-batch 16 \
    --prune-per-round 3 --network-channels 4 --network-cells 3 "$@"
}

status() { grep -o "\"$1\": *\"*[a-z0-9]*" "$2/status.json" | head -n 1 | grep -o '[a-z0-9]*$'; }

# await SECONDS COMMAND...: until the command succeeds
await() {
  for _ in $(seq "$(($1 * 4))"); do
    if "${@:2}" >/dev/null 2>&1; then return; fi
    sleep .25
  done
  fail "not within $1 s: ${*:2}"
}

is() { [ "$(status "$1" "$3")" = "$2" ]; }

bash "$here/cluster.sh" start "$work/cluster"

sweep --methods zos-rnd,random --epochs 2 --warmup 1 --out "$work/two" --quiet
grep -q '"id": "1"' "$work/two/slurm/job.json" || fail "no job was submitted"
for method in zos-rnd random; do
  is state done "$work/two/cells/built-in/$method/seed-1" || fail "$method is not done"
done
[ "$(grep -c ,done, "$work/two/runs.csv")" = 2 ] || fail "the table has no two runs"
echo "test-slurm: an array of two tasks is done"

cell=$work/long/cells/built-in/darts/seed-1
sweep --methods darts --epochs 300 --warmup 0 --out "$work/long" --quiet --no-wait
await 60 test -f "$cell/search/alphas.json"
job=$(grep -o '"id": "[0-9]*' "$work/long/slurm/job.json" | grep -o '[0-9]*$')
scancel --signal=USR1 --batch "${job}_0"
await 60 is state interrupted "$cell"
echo "test-slurm: a task has saved when its time was over"
await 240 is attempts 2 "$cell"
sweep --methods darts --epochs 300 --warmup 0 --out "$work/long" --quiet
is state done "$cell" || fail "the task that was queued again is not done"
echo "test-slurm: it was queued again, went on and is done"

if ! ls /usr/lib/*/slurm*/mpi_pmix.so >/dev/null 2>&1 || ! ldconfig -p | grep -q libmpi.so.40; then
  echo "test-slurm: ranks are not tested: Slurm's plugin for PMIx or Open MPI is missing"
  exit 0
fi
run=$work/ranks
job=$(sbatch --parsable --chdir="$work" --output="$work/ranks.out" "$here/ranks.sh" "$program" "$run" --method zos-rnd --derive alphas \
  --channels 4 --cells 3 --image-size 8 --train-images 256 --threads 1 --batch 4 --warmup 0 --valid-images 8 --epochs 60 --network-channels 4 \
  --network-cells 3)
await 180 test -e "$run/genotypes/epoch-001.json"
scancel --signal=TERM "$job" # what Slurm sends before the time is over
await 120 grep -q "resume with" "$work/ranks.out"
await 300 test -e "$run/result.json"
grep -q '"ranks": 2' "$run/result.json" || fail "the search has not run on two ranks"
echo "test-slurm: two ranks under srun --mpi=pmix saved when they were told that the time is over, were queued again and are done"
