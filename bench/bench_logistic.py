"""Logistic regression against its peers: seconds, quality, ratio.

    python3 bench/bench_logistic.py BUILD [--threads 2] [--repeats 3] [--only binary|softmax|l1]

BUILD is a build folder configured with -Dbench=true. Peers: scikit-learn (lbfgs, newton-cholesky),
LIBLINEAR's `train` (liblinear-tools), glmnet (r-cran-glmnet). Data in memory, the fit alone, but for LIBLINEAR,
which is timed with its reading subtracted. The programs take turns; medians are shown.
ratio: the peer's time over ours.
"""
import argparse
import gzip
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

parser = argparse.ArgumentParser()
parser.add_argument("build")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--repeats", type=int, default=3)
parser.add_argument("--only", default="")
parser.add_argument("--rows", type=int, default=500000)
args = parser.parse_args()
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(args.threads)

import numpy as np  # noqa: E402  (after the thread counts)

try:
    from sklearn.linear_model import LogisticRegression
    warnings.filterwarnings("ignore")
except ImportError:
    LogisticRegression = None

FASHION = "/usr/share/datasets/fashion-mnist"
folder = tempfile.mkdtemp(prefix="bench_logistic")


def write(name, X, y):
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        np.array([*X.shape, y.max() + 1], dtype=np.uint64).tofile(f)
        np.ascontiguousarray(X, dtype=float).tofile(f)
        y.astype(float).tofile(f)
    return path


def objective(X, y, C, W, b, l1=False):
    """F of logistic.h (1) for an L2 (or L1) penalty."""
    Z = X @ np.atleast_2d(W).T + b
    if Z.shape[1] == 1:
        Z = np.hstack([np.zeros_like(Z), Z])
    top = Z.max(1)
    loss = np.log(np.exp(Z - top[:, None]).sum(1)) + top - Z[np.arange(len(y)), y]
    return C * loss.sum() + (abs(W).sum() if l1 else 0.5 * (W ** 2).sum())


def ours(path, *options):
    out = subprocess.run([os.path.join(args.build, "bench", "bench_logistic"), path,
                          str(args.threads), "1", *options],
                         capture_output=True, text=True, check=True).stdout.split()
    return float(out[0]), float(out[3]), f"{out[1]} iterations, violation {out[5]}"


def sklearn(X, y, C, **options):
    def run():
        model = LogisticRegression(C=C, **options)
        begin = time.perf_counter()
        model.fit(X, y)
        return (time.perf_counter() - begin,
                objective(X, y, C, model.coef_, model.intercept_, options.get("penalty") == "l1"),
                f"{model.n_iter_[0]} iterations")
    return run if LogisticRegression else None


def liblinear(X, y, solver):
    if not shutil.which("liblinear-train"):
        return None
    path, model = os.path.join(folder, "data.svm"), os.path.join(folder, "model")
    with open(path, "w") as f:
        for row, label in zip(X, y):
            f.write(f"{label} " + " ".join(f"{j + 1}:{v:.9g}" for j, v in enumerate(row)) + "\n")

    def seconds(*options):
        begin = time.perf_counter()
        subprocess.run(["liblinear-train", "-q", "-s", str(solver), "-B", "1", *options, path, model],
                       check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begin

    def run():
        reading = seconds("-e", "1e9")  # no iteration: reading and writing alone
        taken = seconds("-e", "0.0001")
        w = np.loadtxt(model, skiprows=6) * (1 if y[0] == 1 else -1)
        return taken - reading, objective(X, y, 1.0, w[None, :-1], w[-1]), "intercept penalised"
    return run


def glmnet(path, X, y, C):
    if not shutil.which("Rscript"):
        return None
    code = """
      suppressMessages(library(glmnet)); a <- commandArgs(TRUE); f <- file(a[1], 'rb')
      s <- readBin(f, 'integer', 6)[c(1, 3, 5)]; X <- matrix(readBin(f, 'double', s[1] * s[2]),
      s[1], s[2], byrow = TRUE); y <- readBin(f, 'double', s[1]); l <- 1 / (as.numeric(a[2]) * s[1])
      t <- system.time(m <- glmnet(X, y, family = 'binomial', standardize = FALSE, thresh = 1e-12,
      lambda = l * c(100, 10, 1)))[3]; cat(t, as.numeric(coef(m)[, 3]))"""

    def run():
        out = subprocess.run(["Rscript", "-e", code, path, str(C)], capture_output=True, text=True)
        if out.returncode:
            return None
        v = np.array(out.stdout.split(), dtype=float)
        return v[0], objective(X, y, C, v[None, 2:], v[1], True), "three lambdas"
    return run


def compare(workload, programs):
    results = {name: [] for name, run in programs if run}
    for _ in range(args.repeats):
        for name, run in programs:
            if run:
                results[name].append(run())
    mine = None
    for name, run in programs:
        if not run or not results[name][0]:
            print(f"{workload:22} {name:28} absent")
            continue
        seconds = statistics.median(r[0] for r in results[name])
        mine = mine or seconds
        print(f"{workload:22} {name:28} {seconds:9.4f} s  F = {results[name][-1][1]:.10g}"
              f"  ratio {seconds / mine:6.2f}  {results[name][-1][2]}", flush=True)


def binary_data(n, p):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p)) @ (np.eye(p) + 0.3 * rng.standard_normal((p, p)) / np.sqrt(p))
    z = X @ rng.standard_normal(p) / np.sqrt(p) * 1.5 + 0.5
    return X, (rng.random(n) < 1 / (1 + np.exp(-z))).astype(int)


def fashion():
    for root, _, files in os.walk(FASHION):
        names = [os.path.join(root, f) for f in files if f.startswith("train-")]
        if names:
            def read(kind, skip):
                path = [n for n in names if kind in n][0]
                with (gzip.open if path.endswith("gz") else open)(path, "rb") as f:
                    return np.frombuffer(f.read(), np.uint8)[skip:]
            y = read("labels", 8).astype(int)
            return read("images", 16).reshape(len(y), -1) / 255.0, y
    return None


try:
    if args.only in ("", "binary", "l1"):
        X, y = binary_data(args.rows, 50)
        path = write("binary", X, y)
    if args.only in ("", "binary"):
        compare(f"binary {len(y)} x 50", [
            ("mlkit", lambda: ours(path)),
            ("scikit-learn lbfgs", sklearn(X, y, 1.0)),
            ("scikit-learn newton-cholesky", sklearn(X, y, 1.0, solver="newton-cholesky")),
            ("LIBLINEAR -s 0 (trust region)", liblinear(X, y, 0)),
        ])
    if args.only in ("", "l1"):
        compare(f"l1 {len(y)} x 50, C=0.01", [
            ("mlkit", lambda: ours(path, "penalty=l1", "C=0.01")),
            ("glmnet, thresh 1e-12", glmnet(path, X, y, 0.01)),
        ])
    if args.only in ("", "softmax"):
        data = fashion()
        if data is None:
            print("softmax: dataset-fashion-mnist is not installed")
            sys.exit(0)
        X, y = data
        path = write("fashion", X, y)
        peer = sklearn(X, y, 1.0, max_iter=100)
        if peer:
            # The least number of our iterations that reaches what theirs reach in 100.
            goal, fewest = peer()[1], 1
            while ours(path, f"max_iter={fewest}")[1] > goal and fewest < 100:
                fewest += 1
            compare("softmax 60000x784x10", [
                (f"mlkit, {fewest} iterations", lambda: ours(path, f"max_iter={fewest}")),
                ("scikit-learn lbfgs, 100", peer),
            ])
finally:
    shutil.rmtree(folder)
