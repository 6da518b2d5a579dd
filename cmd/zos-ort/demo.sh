#!/bin/sh
# The whole way from images to predictions, with the commands that a user would type:
#
#   demo.sh PROGRAM OUT [DATA]
#
# PROGRAM is zos-ort, OUT the folder to create, DATA a folder of images (CIFAR, or
# train/CLASS/*.png); without it the built-in images are used. Everything is small, to be done in
# five minutes on two cores: 2000 images of 16x16, few epochs. SEARCH and RETRAIN hold flags to add
# to these commands.
set -eu

program=$1 out=$2 data=${3:-}
if [ -e "$out" ]; then
	echo "demo: $out exists already: move it away or choose another one" >&2
	exit 1
fi
set -- --image-size 16 --train-images 2000
if [ -n "$data" ]; then
	set -- --data "$data" "$@"
fi

step() { # step WHAT COMMAND FLAG...: say it, show it, run it
	printf '\n== %s\n$ zos-ort' "$1"
	shift
	printf ' %s' "$@"
	printf '\n'
	"$program" "$@"
}

step "what the data holds; one test image of every class as a file" \
	data "$@" --sample 1 --out "$out/images"
step "prune the search space, then search it" \
	search "$@" --preset quick --epochs 6 --warmup 2 --out "$out/search" ${SEARCH:-}
step "train the network that was found" \
	retrain "$@" --preset quick --genotype "$out/search/genotype.json" --epochs 20 \
	--out "$out/network" ${RETRAIN:-}
step "write it for deployment, also in half precision and in 8 bits" \
	export --run "$out/network" --out "$out/model.onnx" --fp16 --int8
step "use it; the right class is in the name of the file" \
	predict --model "$out/model.onnx" "$out"/images/*.png
step "see all of it on one page" \
	report --out "$out/report.html" "$out/search" "$out/network"
