#!/bin/sh
# Opens reports in a real browser and checks what a reader would: nothing on the console, every plot
# drawn, tables sort, nothing is asked of the network, axe-core finds nothing, no page is wider than
# its window; at 390 and 1400 pixels, light and dark, and as a PDF for printing. Screenshots stay in
# the folder for a look.
#
# usage: tests/browser/run.sh [BUILD] [FOLDER]
#
# Needs Debian's chromium, node and npm (which fetches playwright-core and axe-core into FOLDER);
# without them it says so and ends with 77, which meson takes for "skipped". Not a part of the
# tests that every machine runs.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "${1:-$source/build}" && pwd)
folder=${2:-$(mktemp -d)}
mkdir -p "$folder"
PATH=$build/tools:$PATH
browser=$(command -v chromium || command -v chromium-browser || true)
for program in "${browser:-chromium}" node npm gnuplot dot; do
    command -v "$program" >/dev/null || { echo "skipped: $program is not installed"; exit 77; }
done
cd "$folder"
[ -d node_modules/axe-core ] && [ -d node_modules/playwright-core ] ||
    npm install --silent --no-save playwright-core@1.49 axe-core@4.10 >npm.log 2>&1 ||
    { echo "skipped: npm cannot fetch playwright-core and axe-core"; exit 77; }

data=$source/datasets
hostile=hostile.csv
{
    echo '"<script>alert(1)</script>","a""b&c","it'"'"'s</title>",y'
    i=0
    while [ $i -lt 60 ]; do
        echo "$((i * 7 % 13)),\"<b>l$((i % 3))</b>&amp;\",$((i % 5)).5,\"</svg><script>$((i % 2))\""
        i=$((i + 1))
    done
} >$hostile
mlkit-compare -q -t species -m tree:max_leaf_nodes=5 -m logistic -m knn --report classes.html \
    "$data/penguins.csv"
mlkit-compare -q -t diagnosis --report binary.html "$data/breast_cancer.csv"
mlkit-compare -q -t hwy,compressive_strength --report tables.html "$data/mpg.csv" \
    "$data/concrete.csv"
mlkit-compare -q -t y -m tree -m logistic -m 'knn:n_neighbors=1000' --report hostile.html \
    $hostile 2>/dev/null
mlkit-fit forest -q -t Status --test 0.3 -o credit.mlk "$data/credit.csv"
sed 's/,rent,/,tent,/' "$data/credit.csv" >new.csv
mlkit-eval -q credit.mlk --report eval.html new.csv 2>/dev/null
mlkit-fit tree -q -t price -s max_leaf_nodes=12 -o price.mlk "$data/diamonds10k.csv"
mlkit-eval -q price.mlk --report tree.html "$data/diamonds10k.csv"

NODE_PATH=$folder/node_modules node "$source/tests/browser/check.cjs" "$browser" "$folder" \
    classes binary tables hostile eval tree
