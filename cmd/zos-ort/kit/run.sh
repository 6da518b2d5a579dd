#!/bin/sh
# What a GPU machine is to tell, in order of value. It needs a driver, tar, xz and timeout; the libraries of CUDA 13
# and cuDNN 9 may be those in the wheels of python3.
#
#   run.sh RESULTS [STEP...]
#
# RESULTS gets, for every step, STEP.txt (all that it printed), STEP.json (its result, where it has one) and
# STEP.status (its exit status and seconds); summary.txt lists them, results.tar.xz holds all but checkpoints. A step
# that has a status is not made again, so a run goes on where the one before ended. KIT_SECONDS (default 540) is the
# time for all; a step that it cuts short is left for the next run. KIT_SHORT=1 makes every step as small as it gets.
# With STEP only these are made. The exit status is 0 if all steps have passed, 1 if one failed, 3 if the card is
# gone, 4 if time ran out.
set -u

# The step versions calls this script again, because a step is a command.
if [ "${1:-}" = --versions ]; then
	"$zos" doctor
	rc=$?
	"$zos" --version
	nvidia-smi 2>&1 || echo "no nvidia-smi"
	uname -a
	python3 -c 'import torch; print("torch", torch.__version__, torch.version.cuda, torch.backends.cudnn.version())' 2>&1
	exit $rc
fi

kit=$(cd "$(dirname "$0")" && pwd)
results=${1:?usage: run.sh RESULTS [STEP...]}
shift
wanted=" $* "
total=${KIT_SECONDS:-540}
short=${KIT_SHORT:-}
begin=$(date +%s)
mkdir -p "$results" || exit 1
results=$(cd "$results" && pwd)
failed=0 late=0

left() { echo $((total - ($(date +%s) - begin))); }

# unpack makes the programs, the runtime and the images once. Parts that are not whole are refused.
unpack() {
	home=${KIT_HOME:-$kit/unpacked}
	mkdir -p "$home"
	if [ ! -e "$home/done" ]; then
		(cd "$kit" && sha256sum -c --quiet SHA256SUMS) || { echo "kit: a file is damaged or missing" >&2; exit 1; }
		xz -dc "$kit/program.tar.xz" | tar -C "$home" -xf - || exit 1
		mkdir -p "$home/cache"
		cat "$kit"/runtime.part-* | xz -dc | tar -C "$home/cache" -xf - || exit 1
		[ ! -e "$kit/data.tar.xz" ] || xz -dc "$kit/data.tar.xz" | tar -C "$home" -xf - || exit 1
		: >"$home/done"
	fi
	ZOS_CACHE=$home/cache
	zos=$home/zos-ort
	ZOS_GPU=required # of the tests
	export ZOS_CACHE ZOS_GPU zos
	data=""
	[ ! -d "$home/cifar-10" ] || data="--data $home/cifar-10"
}

# step NAME SECONDS COMMAND...: makes a step with a limit. Its standard output is its result.
step() {
	name=$1 limit=$2 full=$2
	shift 2
	case "$wanted" in "  " | *" $name "*) ;; *) return 0 ;; esac
	[ ! -e "$results/$name.status" ] || return 0
	if [ "$(left)" -lt 5 ]; then
		late=1
		return 0
	fi
	if [ "$(left)" -lt "$limit" ]; then limit=$(left); fi
	start=$(date +%s)
	echo "kit: $name, at most $limit s: $*" >&2
	(cd "$results" && timeout --kill-after=20 "$limit" "$@") >"$results/out" 2>"$results/err"
	rc=$?
	seconds=$(($(date +%s) - start))
	{ echo "\$ $*"; cat "$results/err" "$results/out"; } >"$results/$name.txt"
	case "$(head -c 1 "$results/out")" in "{" | "[") mv "$results/out" "$results/$name.json" ;; esac
	rm -f "$results/out" "$results/err"
	if [ $rc -ne 0 ] && ! "$zos" doctor >/dev/null 2>&1; then
		echo "kit: $name: the card is gone (status $rc after $seconds s); the next run begins with this step" >&2
		finish 3
	fi
	case $rc in 124 | 137)
		if [ "$limit" -lt "$full" ]; then # cut short by the time for all
			late=1
			return 0
		fi ;;
	esac
	echo "$rc $seconds" >"$results/$name.status"
	[ $rc -eq 0 ] || failed=1
	tail -n 3 "$results/$name.txt" | sed "s/^/    /" >&2
}

# long NAME SECONDS COMMAND...: a step whose run is stopped by the limit and tells something all the same, and
# which goes on in the next run if the time for all has stopped it.
long() {
	name=$1 limit=$2
	shift 2
	if [ -e "$results/$name/config.json" ]; then
		set -- "$zos" "$2" --resume "$name"
	else
		set -- "$@" --out "$name"
	fi
	step "$name" "$limit" "$@" --json
	if [ -e "$results/$name/metrics.csv" ] && grep -q '^124 ' "$results/$name.status" 2>/dev/null; then
		sed -i 's/^124 /0 /' "$results/$name.status"
	fi
}

# finish STATUS: lists the steps and packs what they have told.
finish() {
	cd "$results" || exit 1
	{
		printf '%-16s %6s %8s  %s\n' step status seconds last
		for f in *.status; do
			[ -e "$f" ] || continue
			read -r rc seconds <"$f"
			printf '%-16s %6s %8s  %s\n' "${f%.status}" "$rc" "$seconds" "$(tail -n 1 "${f%.status}.txt" | cut -c 1-100)"
		done
	} >summary.txt
	cat summary.txt >&2
	find . -type f ! -path '*/checkpoints/*' ! -name '*.ckpt' ! -name '*.onnx' ! -name results.tar.xz -print |
		tar -cJf results.tar.xz -T -
	exit "$1"
}

unpack
python=$(command -v python3 || echo none)
# The words of these variables are flags, and are split on purpose.
if [ -n "$short" ]; then
	size="--channels 4 --cells 3 --batch 8" larger="--channels 4 --cells 3 --batch 12" minutes=.02
	small="--preset quick --channels 4 --image-size 8 --train-images 64 --batch 8 --epochs 1"
	search="$small --derive alphas --cells 3 --warmup 0 --prune-batch 16 --repeats 1 --allow-ties --network-channels 4 --network-cells 3"
	training="$small --cells 3"
	methods=zos
else
	size="--batch 64" larger="--batch 128,256" minutes=2
	search="--preset paper --repeats 1 $data" training="--preset paper --epochs 1 --train-images 5000 $data"
	methods=zos,pc-darts,darts
fi
step versions 60 sh "$kit/run.sh" --versions
step one-method 120 "$home/conformance.test" -test.v -test.run '^TestGPU$/^steps$/^zos$'
step bench 180 "$zos" bench --device cuda --methods $methods $size --python none --minutes $minutes --json

# What computes cells, and whether a step is one graph: all four by turns, a second time further down.
turn() { # [-2]
	step "bench-own$1" 180 "$zos" bench --device cuda --gpu-kernels own --methods $methods $size --python none --minutes $minutes --json
	step "bench-graphs$1" 180 "$zos" bench --device cuda --cuda-graphs on --methods $methods $size --python none --minutes $minutes --json
	step "bench-own-graphs$1" 180 "$zos" bench --device cuda --gpu-kernels own --cuda-graphs on --methods $methods $size --python none \
		--minutes $minutes --json
}
step own-kernels 240 "$home/conformance.test" -test.v -test.run '^TestGPU$/^own_kernels$'
step graphs 240 "$home/conformance.test" -test.v -test.run '^TestGPU$/^graphs$'
turn ""
step all-methods 420 "$home/conformance.test" -test.v -test.run '^TestGPU$'
torch() { [ "$python" != none ] && "$python" -c 'import torch' 2>/dev/null; }
if torch; then
	step peer 300 "$zos" bench --device cuda --methods $methods $size --python "$python" --minutes $minutes --json
else
	echo "kit: no PyTorch for $python: its side is left out" >&2
fi
long search 480 "$zos" search --device cuda $search
step bench-2 180 "$zos" bench --device cuda --methods $methods $size --python none --minutes $minutes --json
turn -2
if torch; then
	step compiled 480 "$zos" bench --device cuda --methods $methods $size --python "$python" --compile --minutes $minutes --json
fi
step larger 300 "$zos" bench --device cuda --methods $methods $larger --python none --minutes $minutes --json
step tf32 180 "$zos" bench --device cuda --methods $methods $size --precision tf32 --python none --minutes $minutes --json
step bf16 180 "$zos" bench --device cuda --methods $methods $size --precision bf16 --python none --minutes $minutes --json
step bf16-own 180 "$zos" bench --device cuda --gpu-kernels own --methods $methods $size --precision bf16 --python none \
	--minutes $minutes --json
long retraining 300 "$zos" retrain --device cuda --genotype DARTS_V2 $training
if [ -z "$short" ] && command -v ncu >/dev/null 2>&1; then
	step kernels 300 ncu --launch-skip 20000 --launch-count 400 --csv \
		"$zos" bench --device cuda --methods zos $size --python none --minutes .1
fi
[ $late -eq 0 ] || finish 4
finish $failed
