#!/bin/sh
# Fetches ONNX Runtime (training build) into the user's cache, checks it, and does nothing when it is
# already there. ZOS_CACHE overrides the cache folder. With the argument cuda: the build for CUDA, beside
# the other.
set -eu
version=1.28.0
here=$(cd "$(dirname "$0")" && pwd)
fail() { echo "setup: $*" >&2; exit 1; }

case "$(uname -s)-$(uname -m)" in
Linux-x86_64)               platform=linux-x86_64   library=libonnxruntime.so.1 ;;
Linux-aarch64 | Linux-arm64) platform=linux-arm64   library=libonnxruntime.so.1 ;;
Darwin-arm64)               platform=macosx-arm64   library=libonnxruntime.1.dylib ;;
Darwin-x86_64)              platform=macosx-x86_64  library=libonnxruntime.1.dylib ;;
*) fail "no ONNX Runtime training build for $(uname -s) on $(uname -m)" ;;
esac

files=$library
case "${1:-}" in
"") ;;
cuda)
    [ "$platform" = linux-x86_64 ] || fail "the CUDA build is for Linux on x86_64 alone, not for $platform"
    platform=linux-x86_64-gpu
    files="libonnxruntime_providers_cuda.so $library" ;;
*) fail "unknown argument $1: use cuda or none" ;;
esac

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
verified "$work" || fail "a fetched file ($files) has the wrong SHA-256: delete it from ~/.m2 and try again"
for f in "$work"/*onnxruntime*; do mv -f "$f" "$target/"; done
echo "setup: ONNX Runtime $version is in $target" >&2
