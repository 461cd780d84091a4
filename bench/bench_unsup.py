#!/usr/bin/env python3
"""pca beside scikit-learn and NumPy, two threads: bench_unsup.py BUILD [WORKLOAD...]

WORKLOAD: pca (default: all). Runs are interleaved; medians of three.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")
import numpy as np

RUNS = 3


def low_rank(rng, n, p):
    """Like images: variances that fall off, and a mean."""
    scale = 50.0 / (1.0 + np.arange(p)) ** 0.7
    return rng.standard_normal((n, p)) * scale @ np.linalg.qr(rng.standard_normal((p, p)))[0] + 80


def pca(X, k, solver):
    from sklearn.decomposition import PCA
    return PCA(k, svd_solver=solver, random_state=0).fit(X).explained_variance_ratio_.sum()


def numpy_eigh(X, k):
    import scipy.linalg
    Z = X - X.mean(axis=0)
    p = X.shape[1]
    G = Z.T @ Z
    return scipy.linalg.eigh(G, subset_by_index=(p - k, p - 1))[0].sum() / np.trace(G)


WORKLOADS = {
    "pca": ("pca", lambda r: low_rank(r, 60000, 784), 50, {
        "scikit-learn full": lambda X, k: pca(X, k, "full"),
        "scikit-learn randomized": lambda X, k: pca(X, k, "randomized"),
        "NumPy Gram + eigh": numpy_eigh}),
}


def run(build, name):
    task, make, k, peers = WORKLOADS[name]
    X = np.ascontiguousarray(make(np.random.default_rng(1)))
    seconds, quality = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "X")
        X.tofile(path)
        driver = [os.path.join(build, "bench", "bench_unsup"), task, *map(str, X.shape), str(k), path]
        for _ in range(RUNS):
            out = subprocess.run(driver, check=True, capture_output=True, text=True).stdout.split()
            seconds.setdefault("mlkit", []).append(float(out[0]))
            quality["mlkit"] = float(out[1])
            for peer, call in peers.items():
                start = time.perf_counter()
                try:
                    quality[peer] = call(X, k)
                    seconds.setdefault(peer, []).append(time.perf_counter() - start)
                except ImportError:
                    quality[peer] = None
    own = statistics.median(seconds["mlkit"])
    for program in quality:
        if quality[program] is None:
            print(f"{name:10} {program:24} absent")
            continue
        s = statistics.median(seconds[program])
        print(f"{name:10} {program:24} {s:9.3f} s  quality {quality[program]:.10g}  ratio {s / own:.2f}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for workload in sys.argv[2:] or WORKLOADS:
        run(sys.argv[1], workload)
