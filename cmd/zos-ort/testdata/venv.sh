# For scripts to source, with $name and $here set: makes a temporary folder, $dir, and in it a Python, $python, with the
# packages of $here/requirements.txt. Where that cannot be had the script ends and says why.
python3=$(command -v python3) || { echo "$name: skipped: there is no python3"; exit 0; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$python3" -m venv "$dir/venv" 2>/dev/null ||
    { echo "$name: skipped: python3 -m venv does not work (package python3-venv)"; exit 0; }
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" ||
    { echo "$name: skipped: pip cannot install $(paste -sd' ' "$here/requirements.txt")"; exit 0; }
python=$dir/venv/bin/python
