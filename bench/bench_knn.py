#!/usr/bin/env python3
"""Nearest neighbours beside scikit-learn and SciPy, two threads: bench_knn.py BUILD [WORKLOAD...]

WORKLOAD, k = 10: blobs (100,000 x 10 in twenty clusters, all rows as queries), normal and uniform
(100,000 x 10, 10,000 queries), brute (20,000 x 784, all rows as queries); default: all of these.
limits (only when named): trees against brute force over numbers of columns, from which the library's
choice is taken. Runs are interleaved; medians of three, index and queries together.
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
K = 10


def low_rank(rng, n, p):
    """Like images: variances that fall off, and a mean."""
    scale = 50.0 / (1.0 + np.arange(p)) ** 0.7
    return rng.standard_normal((n, p)) * scale @ np.linalg.qr(rng.standard_normal((p, p)))[0] + 80


def blobs(rng, n, p):
    return rng.uniform(-10, 10, (20, p))[rng.integers(0, 20, n)] + rng.standard_normal((n, p))


def scikit_learn(X, Q, algorithm):
    from sklearn.neighbors import NearestNeighbors
    return NearestNeighbors(n_neighbors=K, n_jobs=2, algorithm=algorithm).fit(X).kneighbors(Q)[0].mean()


def scipy_tree(X, Q):
    from scipy.spatial import cKDTree
    return cKDTree(X).query(Q, K, workers=2)[0].mean()


def driver(build, X, path, method="auto", p="2", queries=None):
    command = [os.path.join(build, "bench", "bench_knn"), method, p, *map(str, X.shape), str(K),
               str(queries or len(X)), path]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return [float(v) for v in out]


TREES = {"scikit-learn kd_tree": lambda X, Q: scikit_learn(X, Q, "kd_tree"), "SciPy cKDTree": scipy_tree}
WORKLOADS = {
    "blobs": (lambda r: blobs(r, 100000, 10), 100000, TREES),
    "normal": (lambda r: r.standard_normal((100000, 10)), 10000, TREES),
    "uniform": (lambda r: r.random((100000, 10)), 10000, TREES),
    "brute": (lambda r: low_rank(r, 20000, 784), 20000, {
        "scikit-learn brute": lambda X, Q: scikit_learn(X, Q, "brute")}),
}


def run(build, name, folder):
    make, queries, peers = WORKLOADS[name]
    X = np.ascontiguousarray(make(np.random.default_rng(1)))
    path = os.path.join(folder, "X")
    X.tofile(path)
    seconds, quality = {}, {}
    for _ in range(RUNS):
        out = driver(build, X, path, queries=queries)
        seconds.setdefault("mlkit", []).append(out[0])
        quality["mlkit"] = out[2]
        for peer, call in peers.items():
            start = time.perf_counter()
            try:
                quality[peer] = call(X, X[:queries])
                seconds.setdefault(peer, []).append(time.perf_counter() - start)
            except ImportError:
                quality[peer] = None
    own = statistics.median(seconds["mlkit"])
    for program, value in quality.items():
        if value is None:
            print(f"{name:7} {program:22} absent")
            continue
        s = statistics.median(seconds[program])
        print(f"{name:7} {program:22} {s:8.3f} s  mean distance {value:.10g}  ratio {s / own:.2f}",
              flush=True)


def limits(build, folder):
    """Seconds of up to 2,000 queries by the tree over those by brute force."""
    rng = np.random.default_rng(2)
    print("seconds by the tree / by brute force, k = 10, 2000 queries")
    path = os.path.join(folder, "X")
    for p in ("2", "1", "3"):
        for n in (250, 2000, 20000):
            for columns in (4, 8, 12, 16, 20, 24, 32, 48):
                row = []
                for shape in ("normal", "uniform", "rank 5"):
                    X = rng.standard_normal((n, columns)) if shape == "normal" else rng.random((n, columns))
                    if shape == "rank 5":
                        X = rng.standard_normal((n, 5)) @ rng.standard_normal((5, columns))
                        X += 0.05 * rng.standard_normal((n, columns))
                    X.tofile(path)
                    q = min(n, 2000)
                    times = [min(driver(build, X, path, m, p, q)[1] for _ in range(RUNS))
                             for m in ("kd_tree", "brute")]
                    row.append(f"{shape} {times[0] / times[1]:7.2f}")
                print(f"p = {p}  n = {n:6d}  columns = {columns:2d}  {'  '.join(row)}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as where:
        for workload in sys.argv[2:] or WORKLOADS:
            if workload == "limits":
                limits(sys.argv[1], where)
            else:
                run(sys.argv[1], workload, where)
