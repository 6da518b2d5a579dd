#!/bin/sh
# Builds the program twice from the tracked files, in folders of other names and depths, the second time with a build
# cache, a home and a umask of its own, and compares the bytes:
#
#   reproducible.sh build FLAGS...
set -eu
go=${GO:-go}
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
modules=$("$go" env GOMODCACHE)
mkdir -p "$work/one" "$work/a longer way/to/two"
for folder in "$work/one" "$work/a longer way/to/two"; do
	git ls-files -z | xargs -0 cp --parents -t "$folder"
done
(cd "$work/one" && "$go" "$@" -o "$work/first" ./cmd/zos-ort)
(cd "$work/a longer way/to/two" && umask 077 &&
	HOME=$work/home GOCACHE=$work/cache GOMODCACHE=$modules TZ=Asia/Tokyo LC_ALL=C "$go" "$@" -o "$work/second" ./cmd/zos-ort)
if ! cmp "$work/first" "$work/second"; then
	echo "reproducible: the two programs differ" >&2
	exit 1
fi
# A path of the build in both would be the same by chance only.
if grep -q -e "$work" -e "$modules" "$work/first"; then
	echo "reproducible: the program holds a path of the machine that built it" >&2
	exit 1
fi
echo "reproducible: $(sha256sum <"$work/first" | cut -c1-64) twice"
