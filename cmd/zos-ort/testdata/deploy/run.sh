#!/bin/sh
# Runs exported models in the stock onnxruntime package of Python and compares what they say of some
# images with what zos-ort says. usage: run.sh PATH/zos-ort
set -eu
zos=$(realpath "$1")
here=$(dirname "$(realpath "$0")")

python=$(command -v python3) || { echo "test-deploy: skipped: there is no python3"; exit 0; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$python" -m venv "$dir/venv" 2>/dev/null ||
    { echo "test-deploy: skipped: python3 -m venv does not work (package python3-venv)"; exit 0; }
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" ||
    { echo "test-deploy: skipped: pip cannot install $(paste -sd' ' "$here/requirements.txt")"; exit 0; }

cd "$dir"
"$zos" retrain --genotype DARTS_V2 --preset quick --epochs 1 --train-images 320 --out run --quiet
"$zos" export --run run --fp16 --int8 --out model.onnx --quiet
"$zos" export --run run --raw --softmax --out raw.onnx --quiet
"$dir/venv/bin/python" "$here/check.py" "$zos" model.onnx model.fp16.onnx model.int8.onnx raw.onnx
