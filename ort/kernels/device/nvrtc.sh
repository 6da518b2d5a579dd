#!/bin/sh
# Fetches NVRTC, NVIDIA's run-time compiler, into the user's cache: a wheel with a listed SHA-256. It does
# nothing when it is already there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
fail() { echo "nvrtc: $*" >&2; exit 1; }
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || fail "the listed wheel is for Linux on x86_64"
version=$(sed -n 's/.*==\([0-9.]*\) .*/\1/p' "$here/nvrtc.txt")
target=${ZOS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/zos-ort}/nvrtc/$version
[ -f "$target/libnvrtc.so.13" ] && exit 0
command -v python3 >/dev/null 2>&1 || fail "python3 is missing, whose pip fetches NVRTC"
mkdir -p "$target" 2>/dev/null || fail "cannot write to $target: set ZOS_CACHE to a folder of yours"
work=$(mktemp -d "$target/.fetch-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
echo "nvrtc: fetching NVRTC $version (58 MB)" >&2
python3 -m pip -q download --no-deps --only-binary :all: --require-hashes -r "$here/nvrtc.txt" -d "$work" >&2 ||
    fail "pip could not fetch nvidia-cuda-nvrtc $version: see its message above"
python3 -m zipfile -e "$work"/*.whl "$work"
for f in libnvrtc-builtins.so.13.5 libnvrtc.so.13; do mv -f "$work/nvidia/cu13/lib/$f" "$target/"; done
echo "nvrtc: NVRTC $version is in $target" >&2
