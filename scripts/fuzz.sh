#!/bin/sh
# Feed every fuzz target (tests/fuzz/fuzz_*.c) for some time with generated input, under the address and
# undefined-behaviour sanitizers. Findings, and the inputs that reached new code, stay in build-fuzz/.
#
#     scripts/fuzz.sh [SECONDS [TARGET...]]        default: 60 seconds each, all targets
#
# Needs clang and its OpenMP (Debian: clang, libomp-dev).
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -eq 0 ] || shift

if [ ! -d build-fuzz ]; then
    CC=clang meson setup build-fuzz --buildtype=debugoptimized -Dfuzz=true -Dtests=false -Dtools=false \
        -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link
fi
ninja -C build-fuzz

if [ $# -eq 0 ]; then
    for source in tests/fuzz/fuzz_*.c; do
        name=$(basename "$source" .c)
        set -- "$@" "${name#fuzz_}"
    done
fi
for target; do
    corpus=build-fuzz/corpus/$target
    mkdir -p "$corpus"
    echo "== $target: $seconds seconds"
    build-fuzz/tests/fuzz/fuzz_"$target" -max_total_time="$seconds" -max_len=4096 -print_final_stats=1 \
        -artifact_prefix=build-fuzz/"$target"- "$corpus"
done
