#!/bin/sh
# Fills a folder with the files of a container image: the program, ONNX Runtime, the C libraries that both load, root
# certificates, and a user without rights. Nothing else is in the image, neither a shell nor a package manager:
#
#   image.sh PROGRAM ROOT
set -eu
program=$1 root=$2
fail() { echo "image: $*" >&2; exit 1; }
[ ! -e "$root" ] || fail "$root exists already: choose another ROOT"
# Without a GPU doctor fails after it has told what is there.
library=$("$program" doctor --json 2>/dev/null | sed -n 's/^ *"library": "\(.*\)",*$/\1/p' || true)
[ -f "$library" ] || fail "ONNX Runtime is missing: run make setup"

mkdir -p "$root/usr/bin" "$root/usr/lib/zos-ort" "$root/etc/ssl/certs" "$root/work" "$root/tmp"
chmod 1777 "$root/tmp" "$root/work"
cp -L "$program" "$root/usr/bin/zos-ort"
cp -L "$library" "$root/usr/lib/zos-ort/"
for f in $(ldd "$program" "$library" | awk '$2 == "=>" && $3 ~ /^\// {print $3} $1 ~ /^\// && $2 ~ /^\(/ {print $1}' | sort -u); do
	mkdir -p "$root$(dirname "$f")"
	cp -L "$f" "$root$f"
done
! ldd "$program" "$library" | grep "not found" >&2 || fail "a library is missing, see above"
certificates=/etc/ssl/certs/ca-certificates.crt
[ ! -f "$certificates" ] || cp -L "$certificates" "$root$certificates"
echo "zos:x:65532:65532::/work:/usr/bin/zos-ort" >"$root/etc/passwd"
echo "zos:x:65532:" >"$root/etc/group"
echo "image: $(du -sm "$root" | cut -f1) MB in $root"
