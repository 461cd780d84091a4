#!/usr/bin/env python3
"""Cluster models beside scikit-learn and R, two threads: bench_cluster.py BUILD [WORKLOAD...]

WORKLOAD: kmeans, dbscan, ward (default: all). Runs are interleaved; medians of five.
"""
import os
import sys
import tempfile
import time

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")
import numpy as np

import beside

RUNS = 5


def kmeans(X, path, k, algorithm):
    from sklearn.cluster import KMeans
    start = time.perf_counter()
    model = KMeans(k, init=X[:k], n_init=1, max_iter=20, tol=0, algorithm=algorithm).fit(X)
    return time.perf_counter() - start, model.inertia_


def dbscan(X, path, min_samples, eps):
    from sklearn.cluster import DBSCAN
    start = time.perf_counter()
    labels = DBSCAN(eps=eps, min_samples=min_samples, n_jobs=2).fit(X).labels_
    return time.perf_counter() - start, labels.max() + 1


def r_dbscan(X, path, min_samples, eps):
    return beside.r_script(X, path, f"""suppressMessages(library(dbscan))
seconds <- system.time(m <- dbscan(X, {eps}, {min_samples}))[3]
cat(seconds, max(m$cluster))""")


def r_hclust(X, path):
    return beside.r_script(X, path, """seconds <- system.time(h <- hclust(dist(X), "ward.D2"))[3]
cat(seconds, format(sum(h$height), digits = 15))""")


def scipy_ward(X, path):
    from scipy.cluster.hierarchy import linkage
    start = time.perf_counter()
    heights = linkage(X, "ward")[:, 2]
    return time.perf_counter() - start, heights.sum()


def blobs(r, n, p, k, spread):
    """Rows about k centres, and a tenth of them anywhere."""
    X = 10 * r.random((k, p))[r.integers(0, k, n)] + spread * r.standard_normal((n, p))
    X[: n // 10] = 10 * r.random((n // 10, p))
    return r.permutation(X)


# name: task, data, k (or min_samples), eps, peers: each gives seconds and the quality
WORKLOADS = {
    "kmeans": ("kmeans", lambda r: r.standard_normal((1000000, 16)) + 2 * r.integers(0, 3, (1000000, 16)), 10, 0, {
        "scikit-learn lloyd": lambda X, path: kmeans(X, path, 10, "lloyd"),
        "scikit-learn elkan": lambda X, path: kmeans(X, path, 10, "elkan")}),
    "dbscan": ("dbscan", lambda r: blobs(r, 50000, 2, 20, 0.3), 10, 0.1, {
        "scikit-learn": lambda X, path: dbscan(X, path, 10, 0.1),
        "R dbscan": lambda X, path: r_dbscan(X, path, 10, 0.1)}),
    "ward": ("agglomerative", lambda r: blobs(r, 10000, 10, 20, 1.0), 0, 0, {
        "R hclust and dist": r_hclust,
        "SciPy linkage": scipy_ward}),
}


def run(build, name):
    task, make, k, eps, peers = WORKLOADS[name]
    X = np.ascontiguousarray(make(np.random.default_rng(1)))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "X")
        X.tofile(path)
        driver = [os.path.join(build, "bench", "bench_cluster"), task, *map(str, X.shape), str(k), str(eps), path]
        programs = {"mlkit": lambda: beside.driver(driver)}
        for peer, call in peers.items():
            programs[peer] = lambda call=call: call(X, path)
        beside.compare(name, programs, RUNS)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for workload in sys.argv[2:] or WORKLOADS:
        run(sys.argv[1], workload)
