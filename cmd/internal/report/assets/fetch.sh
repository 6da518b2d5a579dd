#!/bin/sh
# Fetches the chart library that the page embeds, in the version that was tested, from the npm registry.
set -eu
version=1.6.32
sum=4b8a8191e425658e3ea8c8c1314b0fc679c861ee3a1af2b20c7b16ba50b5133d
here=$(cd "$(dirname "$0")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm pack --silent "uplot@$version" >/dev/null
echo "$sum  uplot-$version.tgz" | sha256sum --check --quiet
tar -xzf "uplot-$version.tgz"
cp package/dist/uPlot.iife.min.js package/dist/uPlot.min.css "$here/"
cp package/LICENSE "$here/uPlot.LICENSE"
