#!/bin/sh
# The main job on real data, from nothing: install, build, learn, judge, predict.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh
PATH=$PWD/build/tools:$PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# say COMMAND...: show it as typed, then run it.
say() {
    printf '\n$ %s\n' "$*"
    "$@"
}

echo
echo "== Regression: prices of Texas houses, with missing values"
say mlkit-fit linear -t median --ignore city,date --test 0.25 -o "$work/houses.mlk" datasets/txhousing.csv
say mlkit-eval "$work/houses.mlk" datasets/txhousing.csv

echo
echo "== Classification: who pays a credit back"
say mlkit-fit logistic -t Status --scale standard --test 0.25 -o "$work/credit.mlk" \
    datasets/credit.csv
say mlkit-eval "$work/credit.mlk" datasets/credit.csv

echo
echo "== Predictions for new rows"
say mlkit-predict "$work/credit.mlk" --probabilities -o "$work/scored.csv" datasets/credit.csv
head -n 5 "$work/scored.csv"
