#!/usr/bin/env python3
"""Nearest neighbours beside scikit-learn, SciPy and R (one thread), two threads: bench_knn.py BUILD [WORKLOAD...]

WORKLOAD, k = 10: blobs (100,000 x 10 in twenty clusters, all rows as queries), normal and uniform
(100,000 x 10, 10,000 queries), brute (20,000 x 784, all rows as queries); default: all of these.
limits (only when named): trees against brute force over numbers of columns, from which the library's
choice is taken. Runs are interleaved; medians of three, index and queries together.
"""
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")
import numpy as np

import beside

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


def fnn(X, queries, path):
    return beside.r_script(X, path, f"""suppressMessages(library(FNN))
seconds <- system.time(m <- get.knnx(X, X[1:{queries}, ], {K}, "kd_tree"))[3]
cat(seconds, format(mean(m$nn.dist), digits = 12))""")


TREES = {
    "scikit-learn kd_tree": lambda X, q, path: beside.timed(lambda: scikit_learn(X, X[:q], "kd_tree"))(),
    "SciPy cKDTree": lambda X, q, path: beside.timed(lambda: scipy_tree(X, X[:q]))(),
    "R FNN": fnn,
}
WORKLOADS = {
    "blobs": (lambda r: blobs(r, 100000, 10), 100000, TREES),
    "normal": (lambda r: r.standard_normal((100000, 10)), 10000, TREES),
    "uniform": (lambda r: r.random((100000, 10)), 10000, TREES),
    "brute": (lambda r: low_rank(r, 20000, 784), 20000, {
        "scikit-learn brute": lambda X, q, path: beside.timed(lambda: scikit_learn(X, X[:q], "brute"))()}),
}


def run(build, name, folder):
    make, queries, peers = WORKLOADS[name]
    X = np.ascontiguousarray(make(np.random.default_rng(1)))
    path = os.path.join(folder, "X")
    X.tofile(path)

    def ours():
        out = driver(build, X, path, queries=queries)
        return out[0], out[2]

    programs = {"mlkit": ours}
    for peer, call in peers.items():
        programs[peer] = lambda call=call: call(X, queries, path)
    beside.compare(name, programs, RUNS)


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
