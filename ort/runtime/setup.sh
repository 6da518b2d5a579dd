#!/bin/sh
# Fetches ONNX Runtime (training build) into the user's cache, checks it, and does nothing when it is
# already there. ZOS_CACHE overrides the cache folder. With the argument cuda: the build for CUDA, beside
# the other.
set -eu
version=1.28.0
here=$(cd "$(dirname "$0")" && pwd)
fail() { echo "setup: $*" >&2; exit 1; }

case "$(uname -s)-$(uname -m)" in
Linux-x86_64)               platform=linux-x86_64 ;;
Linux-aarch64 | Linux-arm64) platform=linux-arm64 ;;
Darwin-arm64)               platform=macosx-arm64 ;;
Darwin-x86_64)              platform=macosx-x86_64 ;;
*) fail "no ONNX Runtime training build for $(uname -s) on $(uname -m)" ;;
esac

case "${1:-}" in
"") ;;
cuda)
    [ "$platform" = linux-x86_64 ] || fail "the CUDA build is for Linux on x86_64 alone, not for $platform"
    platform=linux-x86_64-gpu ;;
*) fail "unknown argument $1: use cuda or none" ;;
esac
# The archive and the libraries of a platform, the libraries alone in the cache.
files=$(sed -n "s|^.*  $platform/||p" "$here/SHA256SUMS" | grep -v '\.jar$')

# HOME is unset in some containers and services.
HOME=${HOME:-$(getent passwd "$(id -u)" 2>/dev/null | cut -d: -f6)}
case "$(uname -s)" in
Darwin) cache=${ZOS_CACHE:-${XDG_CACHE_HOME:-$HOME/Library/Caches}/zos-ort} ;;
*)      cache=${ZOS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/zos-ort} ;;
esac
[ -n "${ZOS_CACHE:-}" ] || case "$cache" in /*) ;; *) fail "cache folder $cache is not absolute" ;; esac
target=$cache/onnxruntime/$version/$platform

sum() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1"; else shasum -a 256 "$1"; fi |
        cut -d ' ' -f 1
}
want() { sed -n "s|  $platform/$1\$||p" "$here/SHA256SUMS"; }
verified() {
    for f in $files; do
        [ -f "$1/$f" ] && [ "$(sum "$1/$f")" = "$(want "$f")" ] || return 1
    done
}

if verified "$target"; then
    exit 0
fi
command -v mvn >/dev/null 2>&1 ||
    fail "Maven is missing, which fetches ONNX Runtime: install the package 'maven' (Debian, Ubuntu, Homebrew)"
mkdir -p "$target" 2>/dev/null || fail "cannot write to $target: set ZOS_CACHE to a folder of yours"
work=$(mktemp -d "$target/.fetch-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
echo "setup: fetching ONNX Runtime $version for $platform" >&2
mvn -q -B -f "$here/pom.xml" "-Dzos.platform=$platform" "-Dzos.target=$work" generate-resources >&2 ||
    fail "Maven could not fetch org.bytedeco:onnxruntime:$version: see its message above"
# Nothing of the archive is used, and no library is left to be loaded, before its SHA-256 is the one listed.
mkdir "$work/libraries"
(cd "$here/unpack" && CGO_ENABLED=0 ${GO:-go} run . "$work/onnxruntime.jar" "$here/SHA256SUMS" "$platform" "$work/libraries") ||
    fail "nothing was unpacked; Maven keeps what it fetches in ~/.m2/repository/org/bytedeco/onnxruntime"
verified "$work/libraries" || fail "an unpacked file has the wrong SHA-256"
for f in $files; do mv -f "$work/libraries/$f" "$target/"; done
echo "setup: ONNX Runtime $version is in $target" >&2
