#!/bin/sh
# All tests: unit, contract, lints and tools; then unit and contract under ASan and UBSan, and the
# threads under TSan. Prints one line a part and the sum last; exits 1 when anything failed.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh

passed=0
failed=0

# run BUILD TITLE MESON-TEST-ARGUMENTS...
run() {
    build=$1
    title=$2
    shift 2
    start=$(date +%s)
    log=$(mktemp)
    meson test -C "$build" --no-rebuild --print-errorlogs "$@" >"$log" 2>&1 || true
    ok=$(sed -n 's/^Ok: *\([0-9]*\) *$/\1/p' "$log")
    bad=$(sed -n 's/^\(Fail\|Timeout\|Unexpected Pass\): *\([0-9]*\) *$/\2/p' "$log" |
        awk '{ sum += $1 } END { print sum + 0 }')
    if [ -z "$ok" ] || [ "$bad" != 0 ]; then
        grep -vE ' (OK|SKIP) ' "$log" | tail -n 60
        [ -n "$ok" ] || { ok=0; bad=1; }
    fi
    rm -f "$log"
    passed=$((passed + ok))
    failed=$((failed + bad))
    echo "$title: $ok passed, $bad failed ($(($(date +%s) - start)) s)"
}

# sanitized BUILD SANITIZERS: a build of the library and its tests, lightly optimised.
sanitized() {
    [ -f "$1/build.ninja" ] || meson setup "$1" -Db_sanitize="$2" -Db_lundef=false \
        --buildtype=debugoptimized >/dev/null
    ninja -C "$1" --quiet
}

run build "tests and lints"

sanitized build-asan address,undefined
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1
run build-asan "under ASan and UBSan" --no-suite lint

sanitized build-tsan thread
export TSAN_OPTIONS=halt_on_error=1
run build-tsan "threads under TSan" --suite core --suite contract

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
