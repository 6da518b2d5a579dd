#!/bin/bash
#SBATCH --job-name=zos-ort-sweep
#SBATCH --array=0-1%8
#SBATCH --cpus-per-task=4
#SBATCH --mem=2862M
#SBATCH --output="/data/it's/slurm/%A_%a.log"
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@60
cells=(
  '/data/it'\''s/cells/cifar-10/zos/seed-1'
  '/data/it'\''s/cells/own/random/seed-2'
)
stopped=
trap 'stopped=yes; kill -TERM "$child"' USR1
'/opt/zos ort' sweep --quiet --cell "${cells[$SLURM_ARRAY_TASK_ID]}" &
child=$!
while wait "$child"; status=$?; kill -0 "$child" 2>/dev/null; do :; done
if [ -n "$stopped" ] && [ "$status" -ne 0 ]; then
  exec scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
