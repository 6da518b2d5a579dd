#!/bin/sh
# Pushes a small search to MLflow's own server on loopback, once interrupted and once more, and compares what its client
# reads back with the files of the run. usage: run.sh PATH/zos-ort
set -eu
zos=$(realpath "$1")
here=$(dirname "$(realpath "$0")")

name=test-mlflow
. "$here/../venv.sh"

cd "$dir"
"$zos" search --channels 4 --cells 3 --image-size 8 --train-images 128 --batch 16 --prune-batch 16 --repeats 2 --epochs 4 \
    --warmup 1 --network-channels 4 --network-cells 3 --out run --quiet
"$python" "$here/check.py" "$zos" run
