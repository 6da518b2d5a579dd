#!/bin/bash
# cluster.sh start DIR | stop DIR: a Slurm cluster of one node, this machine, with its files in DIR.
# Needs root: Slurm's daemons start the tasks of others, and munge keeps a key.
set -eu

fail() { echo "slurm: $*" >&2; exit 1; }

install_slurm() {
  # Slurm's plugin for PMIx opens libpmix.so, which Debian has in the development package.
  if ! command -v slurmctld >/dev/null || ! command -v munged >/dev/null || ! ls /usr/lib/*/pmix2/lib/libpmix.so >/dev/null 2>&1; then
    command -v apt-get >/dev/null || fail "install Slurm and munge: there is no apt-get here"
    apt-get update -qq >/dev/null || fail "apt-get update has failed"
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends slurm-wlm munge libpmix-dev \
      >/dev/null || fail "apt-get install slurm-wlm munge libpmix-dev has failed"
  fi
}

configure() {
  cat >"$dir/slurm.conf" <<CONF
ClusterName=zos
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
CryptoType=crypto/munge
SlurmUser=root
SlurmdUser=root
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName=$(hostname) NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo) State=UNKNOWN
PartitionName=main Nodes=$(hostname) Default=YES MaxTime=INFINITE State=UP
CONF
}

start() {
  [ "$(id -u)" = 0 ] || fail "starting a cluster needs root (sudo make test-slurm)"
  install_slurm
  mkdir -p "$dir/state" "$dir/spool"
  chmod 755 "$dir"
  dd if=/dev/urandom of="$dir/munge.key" bs=1024 count=1 2>/dev/null
  chmod 400 "$dir/munge.key"
  munged --key-file="$dir/munge.key" --socket="$dir/munge.socket" --pid-file="$dir/munged.pid" \
    --log-file="$dir/munged.log" --seed-file="$dir/munged.seed" --force
  configure
  export SLURM_CONF="$dir/slurm.conf"
  slurmctld
  slurmd
  for _ in $(seq 60); do
    if [ "$(sinfo --noheader --format=%t 2>/dev/null)" = idle ]; then return; fi
    sleep 1
  done
  tail -n 20 "$dir/slurmctld.log" "$dir/slurmd.log" >&2
  fail "the node is not idle after a minute"
}

stop() {
  if [ -f "$dir/slurmctld.pid" ]; then # tasks outlive the daemons otherwise
    SLURM_CONF="$dir/slurm.conf" scancel --user=root || true
    sleep 2
  fi
  for daemon in slurmd slurmctld munged; do
    if [ -f "$dir/$daemon.pid" ]; then kill "$(cat "$dir/$daemon.pid")" || true; fi
  done
}

[ $# = 2 ] || fail "usage: cluster.sh start|stop DIR"
mkdir -p "$2"
dir=$(cd "$2" && pwd)
case $1 in
start) start ;;
stop) stop ;;
*) fail "usage: cluster.sh start|stop DIR" ;;
esac
