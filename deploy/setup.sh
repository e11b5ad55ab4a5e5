#!/bin/sh
# Makes .venv from requirements.lock: sh deploy/setup.sh. Does nothing where that was done before.
# A shell script, because it is what finds Python.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
venv=$root/.venv
stamp=$venv/requirements.lock

say() { printf '%s\n' "$*" >&2; }
fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; }

find_python() {
    for name in ${PYTHON:-} python3.11 python3.12 python3.13 python3 python; do
        if fits "$name"; then
            command -v "$name"
            return
        fi
    done
    found=$(python3 -c 'import platform; print(platform.python_version())' 2>/dev/null || echo none)
    say "Pulse needs Python 3.11, 3.12 or 3.13 (found: $found): install it with 'sudo apt-get install python3.12 python3.12-venv', or name one with PYTHON=/path/to/python make setup"
    return 1
}

make_venv() {
    python=$(find_python)
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        say "$python has no venv: install it with 'sudo apt-get install python$version-venv'"
        return 1
    fi
    say "making .venv with Python $version ($python)"
    rm -rf "$venv"
    "$python" -m venv "$venv" || {
        rm -rf "$venv"
        say "$python could not make .venv: on Debian and Ubuntu 'sudo apt-get install python$version-venv' mends that"
        return 1
    }
}

make_launcher() {
    packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    printf '%s\n' "$root" >"$packages/pulse.pth"
    cat >"$venv/bin/pulse" <<END
#!/bin/sh
# The pulse command, from any folder, on the data folder of this tree.
PULSE_DATA="\${PULSE_DATA:-$root/.pulse}" exec "$venv/bin/python" -P -m pulse.command.main "\$@"
END
    chmod +x "$venv/bin/pulse"
    printf '%s\n' "$root" >"$venv/.root"
}

fits "$venv/bin/python" || make_venv
if ! cmp -s requirements.lock "$stamp"; then
    say "installing what requirements.lock names (the first time this downloads a few hundred MB)"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --no-deps -r requirements.lock || {
        say "the packages could not be installed: see what pip says above, mend it and run this again"
        exit 1
    }
    cp requirements.lock "$stamp"
fi
[ "$(cat "$venv/.root" 2>/dev/null || true)" = "$root" ] || make_launcher
