#!/bin/sh
# Is what a search finds better than chance? The evidence, from the commands that a user would type:
#
#   quality.sh PROGRAM OUT DATA SURROGATE
#
# PROGRAM is zos-ort, OUT the folder of the results, DATA CIFAR-10 in binary form, SURROGATE a surrogate of
# NAS-Bench-301 (doc/quality.md says which). What OUT holds from before is continued. Hypotheses, budget and
# results are in doc/quality.md.
set -eu

program=$1 out=$2 data=$3 surrogate=$4
seeds=5
mkdir -p "$out"

step() { # step WHAT COMMAND FLAG...: say it, show it, run it
	printf '\n== %s\n$ zos-ort' "$1"
	shift
	printf ' %s' "$@"
	printf '\n'
	"$program" "$@"
}

set -- --preset quick --data "$data" --image-size 16 --train-images 3000
step "searches of every technique on CIFAR-10, judged" \
	sweep "$@" --methods zos,zos-rnd,pc-darts,random --seeds $seeds --jobs 2 --surrogate "$surrogate" --out "$out/search"
# Decisions by perturbation of a supernet with all channels would take an hour more.
step "beta-DARTS, which decides by its alphas, judged" \
	sweep "$@" --methods beta-darts --derive alphas --seeds $seeds --jobs 2 --surrogate "$surrogate" --out "$out/beta"
step "all techniques together, judged" \
	judge --surrogate "$surrogate" "$out/search" "$out/beta"

# Its scores are chance, which is refused without --allow-ties.
published="--allow-ties --pool none --settle 0 --repeats 3 --prune-per-round 1 --rank-outputs 0"
for seed in $(seq $seeds); do
	run=$out/published/seed-$seed
	test -e "$run/judge.json" && continue
	if test -e "$run/config.json"; then
		step "the published ranking, seed $seed, continued" prune --resume "$run" --quiet
		continue
	fi
	step "the published ranking, seed $seed" \
		prune "$@" $published --seed "$seed" --surrogate "$surrogate" --out "$run" --quiet
done
step "masks of the published ranking, judged" \
	judge --surrogate "$surrogate" "$out/published"

step "the built-in images: what the search finds, trained from scratch" \
	sweep --methods zos --seeds 3 --jobs 2 --retrain --out "$out/found"
step "the same, ranked by trained networks, which look at the images" \
	sweep --methods zos --rankers loss --seeds 3 --jobs 2 --retrain --out "$out/found-loss"
step "the built-in images: random architectures, trained alike" \
	sweep --methods random --seeds 10 --jobs 2 --retrain --out "$out/random"
for found in found found-loss; do
	printf '\n== %s against random\n' "$found"
	awk -F, '
		FNR == 1 { for (i = 1; i <= NF; i++) if ($i == "test_accuracy") column = i; files++; next }
		$column != "" { n[files]++; sum[files] += $column; square[files] += $column * $column }
		END {
			for (f = 1; f <= 2; f++) {
				mean[f] = sum[f] / n[f]
				error[f] = sqrt((square[f] / n[f] - mean[f] * mean[f]) / (n[f] - 1))
			}
			both = sqrt(error[1] ^ 2 + error[2] ^ 2)
			printf "test accuracy: %d found %.2f %% (standard error %.2f), %d random %.2f %% (%.2f): %+.2f, %.1f standard errors\n",
				n[1], mean[1], error[1], n[2], mean[2], error[2], mean[1] - mean[2], (mean[1] - mean[2]) / both
		}' "$out/$found/runs.csv" "$out/random/runs.csv"
done
step "all of it as one page" \
	report --out "$out/report.html" "$out/search" "$out/beta" "$out/found" "$out/found-loss" "$out/random"
