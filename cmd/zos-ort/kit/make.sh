#!/bin/sh
# Builds the kit for a GPU machine without network, Go or Maven (doc/gpu.md):
#
#   make.sh PROGRAM TESTS OUT [DATA]
#
# PROGRAM is zos-ort, TESTS the compiled tests of cmd/internal/conformance, OUT the folder to fill, DATA CIFAR-10 in
# binary form, of which the kit takes one file for training and the test file. The build of the runtime for CUDA must
# be in the cache (make setup-cuda); it goes into parts under 60 MiB, which are made anew only if it has changed.
set -eu
program=$1 tests=$2 out=$3 data=${4:-}
here=$(cd "$(dirname "$0")" && pwd)
fail() { echo "gpu-kit: $*" >&2; exit 1; }

command -v xz >/dev/null 2>&1 || fail "xz is missing: install the package 'xz-utils'"
runtime=$("$program" doctor --json 2>/dev/null | sed -n 's/.*"CUDA build": "\(.*\)".*/\1/p')
[ -n "$runtime" ] && [ -f "$runtime" ] || fail "the build of ONNX Runtime for CUDA is missing: run make setup-cuda"
folder=$(dirname "$runtime")
mkdir -p "$out"

known=$(cat "$out/runtime.of" 2>/dev/null || true)
now=$(cd "$folder" && sha256sum lib*)
if [ "$known" != "$now" ]; then
	rm -f "$out"/runtime.part-* "$out/runtime.of"
	echo "gpu-kit: packing the runtime, which takes minutes" >&2
	tar -C "$folder/../../.." -cf - "${folder#"$(cd "$folder/../../.." && pwd)"/}" | xz -T0 -6 | split -b 59M -d - "$out/runtime.part-"
	printf '%s\n' "$now" >"$out/runtime.of"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$program" "$work/zos-ort"
cp "$tests" "$work/conformance.test"
cp "$here/run.sh" "$out/run.sh"
tar -C "$work" -cf - zos-ort conformance.test | xz -T0 -3 >"$out/program.tar.xz"
rm -f "$out/data.tar.xz"
if [ -n "$data" ]; then
	[ -f "$data/data_batch_1.bin" ] && [ -f "$data/test_batch.bin" ] || fail "$data does not hold CIFAR-10 in binary form"
	mkdir "$work/cifar-10"
	cp "$data/data_batch_1.bin" "$data/test_batch.bin" "$work/cifar-10/"
	[ ! -f "$data/batches.meta.txt" ] || cp "$data/batches.meta.txt" "$work/cifar-10/"
	tar -C "$work" -cf - cifar-10 | xz -T0 -0 >"$out/data.tar.xz"
fi
(cd "$out" && sha256sum run.sh program.tar.xz runtime.part-* $([ -z "$data" ] || echo data.tar.xz) >SHA256SUMS)
ls -l "$out" >&2
