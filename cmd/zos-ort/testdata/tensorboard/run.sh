#!/bin/sh
# Reads the events of a small search with the tensorboard package of Python and compares them with the files of
# the run. usage: run.sh PATH/zos-ort
set -eu
zos=$(realpath "$1")
here=$(dirname "$(realpath "$0")")

name=test-tensorboard
. "$here/../venv.sh"

cd "$dir"
"$zos" search --channels 4 --cells 3 --image-size 8 --train-images 128 --batch 16 --prune-batch 16 --repeats 2 --epochs 4 \
    --warmup 1 --network-channels 4 --network-cells 3 --out run --quiet
"$dir/venv/bin/tensorboard" --inspect --logdir run 2>/dev/null | grep -A3 '^Event statistics'
"$python" "$here/check.py" run
