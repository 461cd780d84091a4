#!/bin/sh
# Install what mlkit needs and is missing (Debian packages), then build it into build/.
# On other systems it names what to install.
set -eu
cd "$(dirname "$0")/.."

packages="gcc libc6-dev meson ninja-build pkg-config libopenblas-dev liblapacke-dev zlib1g-dev
libcbor-dev libjansson-dev libpopt-dev check python3"

missing=""
if command -v dpkg-query >/dev/null 2>&1; then
    for package in $packages; do
        state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
        [ "$state" = "install ok installed" ] || missing="$missing $package"
    done
elif ! { command -v meson && command -v pkg-config &&
    pkg-config --exists openblas lapacke zlib libcbor jansson popt check; } >/dev/null 2>&1; then
    echo "setup: install these (by your system's names) and run this again: a C17 compiler with" \
        "OpenMP, python3, meson, ninja, pkg-config, and the development files of OpenBLAS," \
        "LAPACKE, zlib, libcbor, jansson, popt and Check" >&2
    exit 1
fi

# A cc of another origin serves as well as the package's.
command -v cc >/dev/null 2>&1 && missing=$(printf '%s' "$missing" | sed 's/ gcc\b//')

if [ -n "$missing" ]; then
    as_root=""
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 || {
            echo "setup: as root, run: apt-get install$missing" >&2
            exit 1
        }
        as_root=sudo
    fi
    echo "setup: installing$missing"
    log=$(mktemp)
    # shellcheck disable=SC2086 # the list is words
    if ! { $as_root apt-get update -qq &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends $missing; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        exit 1
    fi
    rm -f "$log"
fi

[ -f build/build.ninja ] || meson setup build >/dev/null
ninja -C build --quiet
echo "setup: built in build/"
command -v gnuplot >/dev/null 2>&1 && command -v dot >/dev/null 2>&1 ||
    echo "setup: for pictures (--plot) also install gnuplot-nox and graphviz"
