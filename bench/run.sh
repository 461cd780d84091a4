#!/bin/sh
# Every benchmark, one after the other: mlkit beside whatever peers are installed, on the same data, with
# two threads, in turn; medians of at least three. Some twenty minutes on a quiet machine.
#
#     bench/run.sh [AREA...]          default: csv linear lasso logistic tree gbdt svm metrics selection maps cluster knn apriori
#
# Peers from Debian: python3-sklearn python3-pandas python3-xgboost r-cran-glmnet r-cran-data.table
# r-cran-ranger r-cran-rpart r-cran-fnn r-cran-dbscan weka liblinear-tools libsvm-tools dataset-fashion-mnist
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- csv linear lasso logistic tree gbdt svm metrics selection maps cluster knn apriori
python=${PYTHON:-/usr/bin/python3}

[ -f build-bench/build.ninja ] || meson setup build-bench -Dbench=true -Dtests=false >/dev/null
ninja -C build-bench --quiet

for area; do
    echo "== $area"
    case $area in
    linear) "$python" bench/bench_linear.py --build build-bench ;;
    selection)
        "$python" bench/bench_selection.py --build build-bench
        "$python" bench/bench_selection.py --build build-bench --compare
        ;;
    svm) "$python" bench/bench_svm.py build-bench "${MLK_DATASETS:-../shared/datasets}" ;;
    lasso) "$python" bench/bench_lasso.py --driver build-bench/bench/bench_lasso ;;
    ensembles) "$python" bench/bench_ensembles.py build-bench --datasets "${MLK_DATASETS:-../shared/datasets}" ;; # an hour
    *) "$python" "bench/bench_$area.py" build-bench ;;
    esac
done
