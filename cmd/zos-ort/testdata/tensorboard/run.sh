#!/bin/sh
# Reads the events of a small search with the tensorboard package of Python and compares them with the files of
# the run. usage: run.sh PATH/zos-ort
set -eu
zos=$(realpath "$1")
here=$(dirname "$(realpath "$0")")

python=$(command -v python3) || { echo "test-tensorboard: skipped: there is no python3"; exit 0; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$python" -m venv "$dir/venv" 2>/dev/null ||
    { echo "test-tensorboard: skipped: python3 -m venv does not work (package python3-venv)"; exit 0; }
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" ||
    { echo "test-tensorboard: skipped: pip cannot install $(paste -sd' ' "$here/requirements.txt")"; exit 0; }

cd "$dir"
"$zos" search --channels 4 --cells 3 --image-size 8 --train-images 128 --batch 16 --prune-batch 16 --repeats 2 --epochs 4 \
    --warmup 1 --network-channels 4 --network-cells 3 --out run --quiet
"$dir/venv/bin/tensorboard" --inspect --logdir run 2>/dev/null | grep -A3 '^Event statistics'
"$dir/venv/bin/python" "$here/check.py" run
