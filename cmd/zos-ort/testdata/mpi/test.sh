#!/bin/bash
# test.sh PROGRAM: runs searches, prunings and retrainings on ranks that mpirun of Open MPI starts on this machine, and on
# those of MPICH where mpiexec.mpich is there. As root it installs Debian's openmpi-bin and mpich if they are missing.
set -u
program=$(realpath "$1")
cd "$(dirname "$0")" || exit 1
page=$PWD/../../doc/machines.md
for wanted in mpirun.openmpi:openmpi-bin mpiexec.mpich:mpich; do
  if ! command -v "${wanted%:*}" >/dev/null 2>&1 && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    timeout 300 apt-get install -y -q "${wanted#*:}" >/dev/null 2>&1
  fi
done
command -v mpirun.openmpi >/dev/null 2>&1 || { echo "test-mpi: skipped: mpirun of Open MPI is missing (Debian: openmpi-bin)"; exit 0; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "test-mpi: $*" >&2; exit 1; }

ranks() { # ranks N ARGUMENTS...: the program as N ranks, which have 5 s to save after Ctrl-C
  local n=$1
  shift
  mpirun.openmpi --allow-run-as-root --oversubscribe --bind-to none --mca odls_base_sigkill_timeout 5 -n "$n" "$@"
}

small="--channels 4 --cells 3 --image-size 8 --train-images 32 --threads 1"
rank="--network-channels 4 --network-cells 3 --prune-batch 16 --prune-batches 1 --repeats 2 --prune-per-round 3"
search() { # search N OUT ARGUMENTS...
  ranks "$1" "$program" search $small --network-channels 4 --network-cells 3 --method zos-rnd --derive alphas --warmup 0 \
    --batch 4 --valid-images 8 --epochs 10 --out "$2" "${@:3}"
}

same() { # same A B FILES...
  for f in "${@:3}"; do cmp "$1/$f" "$2/$f" || fail "$1 and $2 differ in $f"; done
}

left() { pgrep -f -- "$program search.*--out $1 " >/dev/null; } # left OUT: whether a rank is left

await() { # await FILE
  for _ in $(seq 2400); do [ -e "$1" ] && return; sleep .05; done
  fail "no $1 within 120 s"
}

# begin N FILE ARGUMENTS...: a search in the background, until its first epoch is done; launcher is mpirun, its children the ranks
begin() {
  search "$@" >"$2.out" 2>&1 &
  job=$!
  await "$2/genotypes/epoch-000.json"
  launcher=$(pgrep -P $job)
}

once() { # once TEXT FILE
  [ "$(grep -c -- "$1" "$2")" = 1 ] || { cat "$2" >&2; fail "not one line with '$1'"; }
}

# The same seed and number of ranks give the same bits; one rank writes and speaks.
for n in 2 4; do
  search $n a$n --batch $((8 / n)) --json >a$n.json 2>a$n.err || { cat a$n.err; fail "a search on $n ranks"; }
  once '"run"' a$n.json
  once "\"ranks\": $n," a$n/result.json
  [ "$(find a$n -name '.*' | wc -l)" = 0 ] || fail "unfinished files are left"
  search $n b$n --batch $((8 / n)) --quiet || fail "the same search on $n ranks"
  same a$n b$n metrics.csv alphas.json genotype.json
done
echo "test-mpi: 2 and 4 ranks search to the same bits again"

# Ranks that rank divide the networks and come to the bits of one process.
"$program" prune $small $rank --pool none --allow-ties --quiet --out p1 || fail "a pruning alone"
for n in 2 4; do
  ranks $n "$program" prune $small $rank --pool none --allow-ties --quiet --out p$n || fail "a pruning on $n ranks"
  same p1 p$n scores.csv mask.json
done
echo "test-mpi: 2 and 4 ranks prune to the bits of one process"

ranks 2 "$program" retrain --genotype DARTS_V2 $small --batch 8 --epochs 2 --quiet --out t || fail "a retraining"
[ -s t/model.onnx ] || fail "the retraining has exported nothing"
echo "test-mpi: 2 ranks retrain"

# Ranks time their steps together before they begin, and one says what that makes of the whole run.
search 2 f --dry-run >f.out 2>&1 || { cat f.out; fail "a dry run on 2 ranks"; }
once "by steps timed here" f.out
echo "test-mpi: 2 ranks forecast their time"

# What is wrong is said once: on all ranks, and on one of them.
search 2 w --batch 1 >w.out 2>&1
[ $? = 2 ] || fail "a mistake on the command line does not exit with 2"
once "zos-ort: error: " w.out
cat >one.sh <<END
[ "\$OMPI_COMM_WORLD_RANK" = 1 ] && set -- "\$@" --data "$work/nowhere"
exec "$program" "\$@"
END
ranks 2 sh one.sh search $small --preset quick --method zos-rnd --batch 4 --out w >w.out 2>&1 && fail "a rank without images went on"
once "zos-ort: error: rank 1: .*nowhere" w.out
once "zos-ort: error: " w.out
[ ! -e w ] || fail "what was wrong from the start has left a folder"
echo "test-mpi: errors of all ranks and of one are said once"

for n in 2 4; do
  # Ctrl-C saves.
  begin $n i$n --epochs 2000
  kill -INT "$launcher"
  wait $job && fail "an interrupted search ends well"
  once "saved; resume with: zos-ort search --resume i$n" i$n.out

  # A signal to one rank stops all, and the same number of ranks goes on to the same bits.
  begin $n c$n --batch $((8 / n))
  kill "$(pgrep -P "$launcher" | tail -n 1)"
  wait $job && fail "a search with a rank that was stopped ends well"
  once "saved; resume with: zos-ort search --resume c$n" c$n.out
  [ ! -e c$n/result.json ] || fail "the search was over before the signal came"
  ranks $n "$program" search --resume c$n --quiet || fail "the interrupted search does not resume"
  same a$n c$n metrics.csv alphas.json genotype.json

  # A rank that dies ends the others.
  begin $n k$n --epochs 2000
  kill -9 "$(pgrep -P "$launcher" | tail -n 1)"
  start=$(date +%s)
  wait $job && fail "a search whose rank has died ends well"
  [ $(($(date +%s) - start)) -le 30 ] || fail "the others ended after more than 30 s"
  for _ in $(seq 120); do left k$n || break; sleep .25; done
  left k$n && fail "ranks are left"
  [ "$(grep -c 'zos-ort: error' k$n.out)" = 0 ] || fail "the ranks that were ended report errors of their own"
  once "exited on signal 9" k$n.out
  echo "test-mpi: $n ranks: Ctrl-C saves; a search went on to the same bits after a signal to one; one that died ended the others"
done

# Another number of ranks goes on.
begin 2 short
kill -9 "$(pgrep -P "$launcher" | head -n 1)"
wait $job
[ ! -e short/result.json ] || fail "the search was over before the kill"
for n in 4 1; do
  cp -r short short$n
  rm -f short$n/.lock
  ranks $n "$program" search --resume short$n --quiet || fail "$n ranks do not go on with what 2 have saved"
  [ "$(wc -l <short$n/metrics.csv)" = 11 ] || fail "$n ranks have not made all epochs"
done
echo "test-mpi: 4 ranks and 1 went on where 2 had been killed"

# The command of the documentation's MPIJob, as the operator of Kubeflow has it started: variables and a file name the
# workers, and mpirun reaches each by what stands in for ssh here. It searches on the built-in images.
[ -e "$page" ] || fail "no $page"
mkdir runs
command=$(sed -n 's/.*command: \[\(mpirun.*\)\]}\]}}$/\1/p' "$page" | tr -d '",' |
  sed "s|zos-ort|$program|; s|--data /data --image-size 32|$small|; s|/runs/|$work/runs/|")
cat >ssh <<'END'
#!/bin/sh
while [ "${1#-}" != "$1" ]; do [ "$1" = -o ] && shift; shift; done
echo "$1" >>"$(dirname "$0")/reached"
shift
exec sh -c "$*"
END
chmod +x ssh
for i in 0 1 2 3; do echo "zos-search-worker-$i.zos-search.default.svc slots=1"; done >hostfile
env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_orte_keep_fqdn_hostnames=true \
  OMPI_MCA_orte_default_hostfile="$work/hostfile" OMPI_MCA_plm_rsh_agent="$work/ssh" \
  OMPI_MCA_plm_rsh_args="-o ConnectionAttempts=10" OMPI_MCA_hwloc_base_binding_policy=none \
  $command --network-channels 4 --network-cells 3 --method zos-rnd --derive alphas --warmup 0 --batch 2 --valid-images 8 \
  --epochs 10 --quiet || fail "the command of the MPIJob: $command"
[ "$(sort -u reached | wc -l)" = 4 ] || fail "mpirun reached $(sort -u reached | wc -l) of 4 workers"
same a4 runs/one metrics.csv alphas.json genotype.json
echo "test-mpi: the command of the MPIJob searches on 4 workers to the same bits"

if command -v mpiexec.mpich >/dev/null 2>&1; then
  mpiexec.mpich -n 2 "$program" search $small --network-channels 4 --network-cells 3 --method zos-rnd --derive alphas \
    --warmup 0 --batch 4 --valid-images 8 --epochs 10 --quiet --out m || fail "a search on ranks of MPICH"
  same a2 m metrics.csv alphas.json genotype.json
  echo "test-mpi: ranks of MPICH search to the bits of those of Open MPI"
else
  echo "test-mpi: MPICH is not tested: mpiexec.mpich is missing"
fi
