#!/usr/bin/python3
"""Gradient-boosted trees: mlkit beside XGBoost (hist) and scikit-learn (HistGradientBoosting).

usage: bench_gbdt.py BUILD_DIR [WORKLOAD...]

Builds with -Dbench=true have BUILD_DIR/bench/bench_gbdt. All run with 2 threads and the same
settings: 100 rounds of trees with 31 leaves grown leaf by leaf, 255 bins, rate 0.1, no penalty, at
least 20 rows (XGBoost: no such limit) a leaf. Seconds are medians of three runs, or of eleven where
they are short, the programs in turn; those of XGBoost include its making of bins (DMatrix), as ours
do.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

THREADS = 2
ROUNDS, LEAVES, BINS, RATE = 100, 31, 255, 0.1


def made(n, p, classes, seed=1):
    """Rows with interactions and noise. No interaction is without effects of its own: whether trees
    find such a one is a matter of luck, which would drown the differences between programs."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    f = ((X[:, 0] + 0.7) * (X[:, 1] - 0.7) + np.sin(2 * X[:, 2]) + 0.5 * X[:, 3] ** 2 + np.abs(X[:, 4])
         + 0.3 * X[:, 5:].sum(axis=1) / np.sqrt(p - 5) + 0.5 * rng.standard_normal(n))
    if not classes:
        return X, f
    edges = np.quantile(f, np.arange(1, classes) / classes)
    return X, np.searchsorted(edges, f).astype(float)


WORKLOADS = {
    # name: rows, test rows, columns, classes
    "1000000x28": (1_000_000, 100_000, 28, 2),
    "16512x9": (16_512, 4_128, 9, 0),
    "100000x20": (100_000, 50_000, 20, 0),
    "20000x16x26": (20_000, 5_000, 16, 26),
    "10000x784": (10_000, 2_000, 784, 2),
}


def quality(y, score, classes):
    if classes == 2:
        from sklearn.metrics import roc_auc_score
        return roc_auc_score(y, score)
    if classes:
        return float(np.mean(y == score))
    return 1.0 - float(np.sum((y - score) ** 2) / np.sum((y - y.mean()) ** 2))


def write(path, X, y, classes):
    with open(path, "wb") as f:
        np.array([*X.shape, classes], dtype=np.int64).tofile(f)
        X.tofile(f)
        y.tofile(f)


def run_mlkit(driver, paths):
    options = f"n_estimators={ROUNDS},max_leaves={LEAVES},max_bins={BINS},learning_rate={RATE}"
    line = subprocess.run([driver, str(THREADS), "1", options, *paths], check=True,
                          capture_output=True, text=True).stdout
    v = dict(item.split("=") for item in line.split())
    return float(v["fit"]), float(v["predict"]), float(v["quality"]), v


def run_xgboost(data, classes):
    import xgboost as xgb
    X, y, Xt, yt = data
    params = {"tree_method": "hist", "max_leaves": LEAVES, "max_depth": 0, "max_bin": BINS,
              "grow_policy": "lossguide", "learning_rate": RATE, "reg_lambda": 0,
              "min_child_weight": 1e-3, "nthread": THREADS, "verbosity": 0,
              "objective": {0: "reg:squarederror", 2: "binary:logistic"}.get(classes,
                                                                             "multi:softmax")}
    if classes > 2:
        params["num_class"] = classes
    start = time.perf_counter()
    model = xgb.train(params, xgb.DMatrix(X, label=y, nthread=THREADS), ROUNDS)
    fitted = time.perf_counter()
    score = model.predict(xgb.DMatrix(Xt, nthread=THREADS))
    done = time.perf_counter()
    return fitted - start, done - fitted, quality(yt, score, classes), None


def run_sklearn(data, classes):
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    X, y, Xt, yt = data
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    model = kind(max_iter=ROUNDS, max_leaf_nodes=LEAVES, max_bins=BINS, learning_rate=RATE,
                 early_stopping=False)
    start = time.perf_counter()
    model.fit(X, y)
    fitted = time.perf_counter()
    score = model.predict_proba(Xt)[:, 1] if classes == 2 else model.predict(Xt)
    done = time.perf_counter()
    return fitted - start, done - fitted, quality(yt, score, classes), None


def bench(name, driver):
    n, n_test, p, classes = WORKLOADS[name]
    X, y = made(n + n_test, p, classes)
    data = X[:n], y[:n], X[n:], y[n:]
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, x) for x in ("train", "test")]
        write(paths[0], *data[:2], classes)
        write(paths[1], *data[2:], classes)
        programs = {"mlkit": lambda: run_mlkit(driver, paths),
                    "xgboost": lambda: run_xgboost(data, classes),
                    "scikit-learn": lambda: run_sklearn(data, classes)}
        results = {}
        for _ in range(3 if n * p > 1e6 else 11):
            for program, call in list(programs.items()):
                try:
                    results.setdefault(program, []).append(call())
                except ImportError:
                    print(f"{name:14} {program:13} absent")
                    del programs[program]
    ours = None
    for program, rows in results.items():
        fit, predict = (statistics.median(r[k] for r in rows) for k in (0, 1))
        ours = ours or (fit, predict)
        v = rows[-1][3]
        print(f"{name:14} {program:13} fit {fit:8.3f} s  ratio {fit / ours[0]:5.2f}  predict "
              f"{predict:7.3f} s  ratio {predict / ours[1]:5.2f}  quality {rows[-1][2]:.5f}"
              + (f"  {v['bytes_per_node']} bytes a node, peak {v['megabytes']} MB" if v else ""),
              flush=True)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    driver = os.path.join(sys.argv[1], "bench", "bench_gbdt")
    os.environ["OMP_NUM_THREADS"] = str(THREADS)
    for name in sys.argv[2:] or WORKLOADS:
        bench(name, driver)


if __name__ == "__main__":
    main()
