#!/bin/sh
# Makes requirements.lock and the image's from pyproject.toml, with hashes and without addresses: sh deploy/lock.sh.
# What is locked already stays as it is where pyproject.toml allows it; UPGRADE=1 takes the newest of everything.
set -eu
cd "$(dirname "$0")/.."

if ! command -v uv >/dev/null 2>&1; then
    tools=$(mktemp -d)
    trap 'rm -rf "$tools"' EXIT
    .venv/bin/python -m venv "$tools"
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check uv
    PATH=$tools/bin:$PATH
fi

compile() {
    uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-header --no-annotate \
        --python-version 3.11 ${UPGRADE:+--upgrade} "$@"
}

compile --extra embedded --extra dev --output-file requirements.lock
compile --constraints requirements.lock --output-file deploy/image/requirements.lock
