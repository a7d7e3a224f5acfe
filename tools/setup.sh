#!/bin/sh
# Make `.venv` exactly as `uv.lock` says, with nothing but Python and a package registry.
# The PIP_* and UV_* variables of the caller hold, except where the environment is: in `.venv`.
set -eu
cd "$(dirname "$0")/.."

venv="$PWD/.venv"
python="$venv/bin/python"

# An environment whose interpreter is gone, or that was moved here from elsewhere, is made again.
if ! "$python" -c 'import sys; assert sys.prefix == sys.argv[1]' "$venv" >/dev/null 2>&1; then
    base=$(tools/find-python.sh)
    echo "Making .venv with $base ($("$base" --version 2>&1))"
    rm -rf "$venv"
    "$base" -m venv "$venv"
fi

find_uv() {
    if [ -x "$venv/bin/uv" ]; then
        echo "$venv/bin/uv"
    elif command -v uv >/dev/null 2>&1; then
        command -v uv
    else
        # The version in the lock file, so that the synchronisation finds it in place.
        version=$(awk '$0 == "name = \"uv\"" { getline; gsub(/"/, "", $3); print $3 }' uv.lock)
        "$python" -m pip install --quiet --disable-pip-version-check "uv==$version" >&2
        echo "$venv/bin/uv"
    fi
}

# Inexact, so that pip stays: it is what bootstraps, and what a person falls back to.
sync_with_uv() {
    UV_PROJECT_ENVIRONMENT="$venv" "$1" sync --frozen --inexact --extra server --python "$python"
}

# uv downloads from the addresses in the lock file. Where only pip knows the registry (a mirror, a
# certificate of its own), the same versions with the same hashes come through pip.
sync_with_pip() {
    wanted=$(mktemp)
    trap 'rm -f "$wanted"' EXIT
    "$1" export --quiet --frozen --no-emit-project --extra server --python "$python" --output-file "$wanted" >/dev/null
    "$python" -m pip install --quiet --require-hashes --requirement "$wanted"
    "$python" -m pip install --quiet --no-deps --editable .
}

uv=$(find_uv)
if ! sync_with_uv "$uv"; then
    echo "uv could not synchronise; trying pip with the locked versions and hashes." >&2
    sync_with_pip "$uv"
fi

# Every command and every replica starts faster, also where Python may not write byte code itself.
# What cannot be compiled is a template or a test of some dependency, and nothing to fail for.
"$python" -m compileall -q "$venv/lib" src >/dev/null 2>&1 || true
