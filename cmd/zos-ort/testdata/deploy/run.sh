#!/bin/sh
# Runs exported models in the stock onnxruntime package of Python and compares what they say of some
# images with what zos-ort says. usage: run.sh PATH/zos-ort
set -eu
zos=$(realpath "$1")
here=$(dirname "$(realpath "$0")")

name=test-deploy
. "$here/../venv.sh"

cd "$dir"
"$zos" retrain --genotype DARTS_V2 --preset quick --epochs 1 --train-images 320 --out run --quiet
"$zos" export --run run --fp16 --int8 --out model.onnx --quiet
mkdir raw && "$zos" export --run run --raw --softmax --out raw/raw.onnx --quiet
"$python" "$here/check.py" "$zos" model.onnx model.fp16.onnx model.int8.onnx raw/raw.onnx
