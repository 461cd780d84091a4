#!/usr/bin/env python3
"""Lasso paths of 100 alphas: mlkit beside scikit-learn and glmnet, data in memory, fit alone.

    python3 bench/bench_lasso.py [--driver build/bench/bench_lasso] [--threads 2] [--repeats 3]
                                 [--workload NAME]...

Run with a Python that has scikit-learn; glmnet is taken from R where it is installed. The programs
take turns, so that each repeat sees the same machine. `gap` is the largest duality gap over the
path divided by ||y - mean||^2 / n, recomputed here for every program by the same formula; mlkit and
scikit-learn are asked for 1e-6, glmnet for thresh = 1e-12. `ratio` is the median time over mlkit's.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

TOL = 1e-6
WORKLOADS = {  # rows, columns, columns with a weight, smallest alpha over the largest
    "wide": (1000, 10000, 100, 1e-2),
    "wide-deep": (1000, 10000, 100, 1e-3),
    "tall": (100000, 200, 50, 1e-3),
}
# scikit-learn takes minutes where the fit comes near interpolation.
SKIPPED = {("wide-deep", "scikit-learn")}

GLMNET = r"""
suppressMessages(library(glmnet))
a <- commandArgs(TRUE); n <- as.integer(a[2]); p <- as.integer(a[3])
d <- readBin(a[1], "double", n * p + n)
X <- matrix(d[1:(n * p)], n, p, byrow = TRUE); y <- d[n * p + 1:n]
alphas <- readBin(a[4], "double", 100)
for (k in 1:as.integer(a[6]))
  cat(system.time(f <- glmnet(X, y, lambda = alphas, thresh = 1e-12, standardize = FALSE,
                              maxit = 1e7))[["elapsed"]], "\n")
writeBin(as.vector(as.matrix(f$beta)), a[5])
"""


def generate(np, n, p, k):
    """Neighbouring columns correlate at 0.5; a third of the signal's deviation is noise."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((n, p))
    for j in range(1, p):
        X[:, j] = 0.5 * X[:, j - 1] + 0.75**0.5 * X[:, j]
    w = np.zeros(p)
    w[rng.choice(p, k, replace=False)] = rng.standard_normal(k)
    signal = X @ w
    return X, signal + rng.standard_normal(n) * signal.std() / 3


def worst_gap(np, X, y, alphas, W):
    """Of the columns of W; X and y are centred."""
    n, unit, worst = len(y), y @ y, 0.0
    for alpha, w in zip(alphas, W.T):
        r = y - X @ w
        c = X.T @ r
        s = min(1.0, n * alpha / max(abs(c).max(), 1e-300))
        gap = 0.5 * (r @ r) * (1 - s) ** 2 + n * alpha * abs(w).sum() - s * (c @ w)
        worst = max(worst, gap / unit)
    return worst


class Workload:
    def __init__(self, np, name, folder, args):
        self.np, self.name, self.args = np, name, args
        self.n, self.p, k, self.eps = WORKLOADS[name]
        self.X, self.y = generate(np, self.n, self.p, k)
        self.path = os.path.join(folder, name)
        np.concatenate([self.X.ravel(), self.y]).tofile(self.path + ".data")
        self.Xc, self.yc = self.X - self.X.mean(0), self.y - self.y.mean()
        top = abs(self.Xc.T @ self.yc).max() / self.n
        self.alphas = top * self.eps ** (np.arange(100) / 99)
        self.alphas.tofile(self.path + ".alphas")
        with open(self.path + ".R", "w", encoding="ascii") as f:
            f.write(GLMNET)

    def mlkit(self):
        command = [self.args.driver, self.path + ".data", self.n, self.p, 1, self.eps, TOL,
                   self.args.threads, 1, self.path + ".coef"]
        out = subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True)
        W = self.np.fromfile(self.path + ".coef").reshape(100, self.p + 1)[:, :-1].T
        return json.loads(out.stdout)["seconds"][0], W

    def sklearn(self):
        # The public path function has no intercept: it gets centred data, by columns as it wants
        # them, so that none of its copies is timed.
        from sklearn.linear_model import lasso_path

        X = self.np.asfortranarray(self.Xc)
        start = time.perf_counter()
        _, W, _ = lasso_path(X, self.yc, alphas=self.alphas, tol=TOL, max_iter=10**6,
                             precompute=self.n > self.p)
        return time.perf_counter() - start, W

    def glmnet(self):
        command = ["Rscript", self.path + ".R", self.path + ".data", self.n, self.p,
                   self.path + ".alphas", self.path + ".beta", 1]
        try:
            out = subprocess.run([str(c) for c in command], check=True, capture_output=True,
                                 text=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return float(out.stdout), self.np.fromfile(self.path + ".beta").reshape(100, self.p).T

    def run(self):
        programs = {"mlkit": self.mlkit, "scikit-learn": self.sklearn, "glmnet": self.glmnet}
        seconds, gaps = {name: [] for name in programs}, {}
        for _ in range(self.args.repeats):
            for name, program in programs.items():
                if (self.name, name) in SKIPPED:
                    continue
                result = program()
                if result is None:
                    continue
                seconds[name].append(result[0])
                if name not in gaps:
                    gaps[name] = worst_gap(self.np, self.Xc, self.yc, self.alphas, result[1])
        ours = statistics.median(seconds["mlkit"])
        for name, times in seconds.items():
            what = f"{self.name} {self.n}x{self.p}"
            if not times:
                print(f"{what:<24} {name:<14} not run", flush=True)
                continue
            middle = statistics.median(times)
            print(f"{what:<24} {name:<14} {middle:9.3f} s   gap {gaps[name]:8.1e}   "
                  f"ratio {middle / ours:6.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--driver", default="build/bench/bench_lasso")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workload", action="append", choices=sorted(WORKLOADS))
    args = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(args.threads)  # before NumPy reads them
    try:
        import numpy as np
        import sklearn
    except ImportError as e:
        sys.exit(f"bench_lasso: {e}; run with a Python that has scikit-learn")
    print(f"{args.threads} threads, median of {args.repeats}, scikit-learn {sklearn.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        for name in args.workload or list(WORKLOADS):
            Workload(np, name, folder, args).run()


if __name__ == "__main__":
    main()
