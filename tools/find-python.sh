#!/bin/sh
# Print the newest Python that can make Ostiary's virtual environment; say what to do where there
# is none. `PYTHON=/path/to/python make setup` chooses one by hand.
set -eu

# A name on the path proves nothing (version managers leave shims behind), so each one is run.
# Pre-releases are passed over: packages with compiled parts rarely exist for them.
suits='
import sys
assert sys.version_info >= (3, 11) and sys.version_info.releaselevel == "final"
import ensurepip, venv
'

for name in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3 python}; do
    if command -v "$name" >/dev/null 2>&1 && "$name" -c "$suits" >/dev/null 2>&1; then
        command -v "$name"
        exit 0
    fi
done

cat >&2 <<'TEXT'
No usable Python was found. Ostiary needs Python 3.11 or newer with the modules venv and ensurepip.
Debian and Ubuntu: apt-get install python3 python3-venv. Fedora: dnf install python3.
To name one yourself: make setup PYTHON=/path/to/python3
TEXT
exit 1
