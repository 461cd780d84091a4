#!/usr/bin/env python3
"""Preprocessing and model selection, mlkit beside scikit-learn: data in memory.

    bench/bench_selection.py [--build build] [--repeats 3] [--threads 2] [--small] [--level]

prepare: median imputation (5 % missing), standardising and ridge, learned and applied. cv: ten
folds of standardising and ridge. grid: ten alphas in five folds, and the refit. The figure beside
the seconds (mean squared error, mean R^2) must be the peer's. --level instead counts how often the
corrected and the plain t-test reject at 5 % over 4,000 comparisons of equally good models.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time


def generate(path, task, n, p):
    import numpy as np

    rng = np.random.default_rng(1)
    X = rng.standard_normal((n, p)) * 3 + 1
    y = X @ rng.standard_normal(p) + 3.0 * rng.standard_normal(n)
    if task == "prepare":
        X[rng.random((n, p)) < 0.05] = np.nan
    with open(path, "wb") as f:
        X.tofile(f)
        y.tofile(f)


def peer(task, path, n, p, threads):
    """One run of scikit-learn in a process of its own."""
    import numpy as np
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    values = np.fromfile(path)
    X, y = values[: n * p].reshape(n, p), values[n * p :]
    model = make_pipeline(StandardScaler(), Ridge())
    begin = time.perf_counter()
    if task == "prepare":
        model = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), Ridge())
        figure = float(((model.fit(X, y).predict(X) - y) ** 2).mean())
    elif task == "cv":
        figure = float(cross_val_score(model, X, y, cv=KFold(10), n_jobs=threads).mean())
    else:
        grid = {"ridge__alpha": np.geomspace(1e-3, 1e6, 10)}
        figure = float(GridSearchCV(model, grid, cv=KFold(5), n_jobs=threads).fit(X, y).best_score_)
    print(json.dumps({"seconds": [time.perf_counter() - begin], "figure": figure}))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--small", action="store_true", help="a tenth of the rows")
    parser.add_argument("--level", action="store_true", help="the level of the t-tests instead")
    options = parser.parse_args()
    driver = os.path.join(options.build, "bench", "bench_selection")
    if options.level:
        for folds, repeats in ((5, 3), (10, 1), (10, 3), (10, 10)):
            command = [driver, "level", "4000", "100", str(folds), str(repeats)]
            print(f"{folds} folds x {repeats}:", subprocess.run(command, check=True,
                  capture_output=True, text=True).stdout.strip())
        return

    scale = 10 if options.small else 1
    print(f"{'workload':<26} {'program':<14} {'seconds':>9} {'ratio':>7} {'figure':>22}")
    for task, n, p in (("prepare", 1_000_000 // scale, 20), ("cv", 500_000 // scale, 30),
                       ("grid", 500_000 // scale, 30)):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "data")
            generate(path, task, n, p)
            tail = [task, path, str(n), str(p), str(options.threads)]
            commands = {"mlkit": [driver, *tail, "1"],
                        "scikit-learn": [sys.executable, __file__, "--peer", *tail]}
            runs = {k: [] for k in commands}
            for _ in range(options.repeats):
                for k, command in commands.items():
                    env = dict(os.environ, OMP_NUM_THREADS=str(options.threads))
                    out = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
                    runs[k].append(json.loads(out.stdout.splitlines()[-1]))
            seconds = {k: statistics.median(s for r in v for s in r["seconds"])
                       for k, v in runs.items()}
            for k in commands:
                print(f"{task + f' {n:,} x {p}':<26} {k:<14} {seconds[k]:9.4f} "
                      f"{seconds[k] / seconds['mlkit']:7.2f} {runs[k][-1]['figure']:22.16g}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        peer(sys.argv[2], sys.argv[3], *map(int, sys.argv[4:]))
    else:
        main()
