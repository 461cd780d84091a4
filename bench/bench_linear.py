#!/usr/bin/env python3
"""Least squares and ridge, mlkit beside scikit-learn and R: the fit alone, data in memory.

    bench/bench_linear.py [--build build] [--repeats 3] [--threads 2] [--small]

Runs with the Python that has scikit-learn; R where Rscript is there. The programs take turns, each
repeat of all after the other; figures are medians. Quality: the largest relative difference of the
coefficients from scikit-learn's, and for ridge also of the leave-one-out errors of the 10 alphas.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ALPHAS = [10.0**k for k in range(-3, 7)]

R_CODE = """
args <- commandArgs(TRUE); n <- as.integer(args[2]); p <- as.integer(args[3])
f <- file(args[1], "rb")
X <- matrix(readBin(f, "double", n * p), n, p, byrow = TRUE); y <- readBin(f, "double", n); close(f)
X <- cbind(1, X)
for (k in seq_len(as.integer(args[4]))) {
  t <- system.time(m <- lm.fit(X, y))[["elapsed"]]
  cat(t, "\n"); cat(sprintf("%.17g", m$coefficients), "\n")
}
"""


def generate(path, n, p):
    import numpy as np

    rng = np.random.default_rng(1)
    X = rng.standard_normal((n, p)) @ (np.eye(p) + 0.2 * rng.standard_normal((p, p)) / p**0.5)
    X += 3.0 * rng.standard_normal(p)
    y = X @ rng.standard_normal(p) + 2.0 + 3.0 * rng.standard_normal(n)
    with open(path, "wb") as f:
        X.tofile(f)
        y.tofile(f)


def peer(args):
    """One run of scikit-learn in a process of its own: fit seconds and what was learned."""
    import numpy as np
    from sklearn.linear_model import LinearRegression, RidgeCV

    task, path, n, p, repeats = args[0], args[1], int(args[2]), int(args[3]), int(args[4])
    values = np.fromfile(path)
    X, y = values[: n * p].reshape(n, p), values[n * p :]
    for _ in range(repeats):
        m = LinearRegression() if task == "linear" else RidgeCV(alphas=ALPHAS, store_cv_values=True)
        begin = time.perf_counter()
        m.fit(X, y)
        seconds = time.perf_counter() - begin
        report = [seconds, float(m.intercept_)] + m.coef_.tolist()
        if task != "linear":
            report += [float(m.alpha_)] + m.cv_values_.mean(axis=0).tolist()
        print(json.dumps(report), flush=True)


def run_mlkit(driver, task, path, n, p, threads, result):
    command = [driver, task, path, str(n), str(p), str(threads), "3", result]
    out = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    import numpy as np

    values = np.fromfile(result).tolist()
    return statistics.median(out["seconds"]), [values[p]] + values[:p] + values[p + 1 :]


def run_sklearn(task, path, n, p, threads):
    env = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
    command = [sys.executable, __file__, "--peer", task, path, str(n), str(p), "1"]
    out = subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout
    report = json.loads(out.splitlines()[-1])
    return report[0], report[1:]


def run_r(path, n, p, threads):
    env = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
    command = ["Rscript", "-e", R_CODE, path, str(n), str(p), "1"]
    out = subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout.split()
    return float(out[0]), [float(v) for v in out[1:]]


def difference(a, b):
    return max(abs(u - v) / max(abs(u), abs(v), 1e-300) for u, v in zip(a, b))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--small", action="store_true", help="a tenth of the rows")
    options = parser.parse_args()
    driver = os.path.join(options.build, "bench", "bench_linear")
    scale = 10 if options.small else 1
    workloads = [("linear", 1_000_000 // scale, 50), ("ridge-loo", 200_000 // scale, 100)]

    print(f"{'workload':<26} {'program':<32} {'seconds':>9} {'ratio':>7} {'difference':>11}")
    for task, n, p in workloads:
        with tempfile.TemporaryDirectory() as folder:
            path, result = os.path.join(folder, "data"), os.path.join(folder, "result")
            generate(path, n, p)
            programs = {"mlkit": lambda: run_mlkit(driver, task, path, n, p, options.threads, result)}
            name = "LinearRegression" if task == "linear" else "RidgeCV"
            programs[f"scikit-learn {name}"] = lambda: run_sklearn(task, path, n, p, options.threads)
            if task == "linear" and shutil.which("Rscript"):
                programs["R lm.fit"] = lambda: run_r(path, n, p, options.threads)
            seconds, learned = {k: [] for k in programs}, {}
            for _ in range(options.repeats):
                for k, run in programs.items():
                    t, learned[k] = run()
                    seconds[k].append(t)
            ours = statistics.median(seconds["mlkit"])
            for k in programs:
                t = statistics.median(seconds[k])
                apart = difference(learned[k], learned[f"scikit-learn {name}"])
                print(f"{task + f' {n:,} x {p}':<26} {k:<32} {t:9.4f} {t / ours:7.2f} {apart:11.1e}")
            if task == "linear" and not shutil.which("Rscript"):
                print(f"{task:<26} {'R lm.fit':<32} {'absent':>9}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        peer(sys.argv[2:])
    else:
        main()
