#!/usr/bin/env python3
"""Maps beside scikit-learn, NumPy and R, two threads: bench_maps.py BUILD [WORKLOAD...]

WORKLOAD: pca, pca-r, classical, isomap, lle, kernel-pca, mds (default: all). Runs are interleaved; medians of
three. The pictures are Debian's dataset-fashion-mnist; without it, made-up rows of the same shape and spectrum.
"""
import gzip
import os
import sys
import tempfile
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")
import numpy as np

import beside

RUNS = 3
PICTURES = "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz"


def pictures():
    if os.path.exists(PICTURES):
        with gzip.open(PICTURES) as f:
            return np.frombuffer(f.read(), np.uint8, offset=16).reshape(60000, 784).astype(float)
    rng = np.random.default_rng(1)
    scale = 50.0 / (1.0 + np.arange(784)) ** 0.7
    return rng.standard_normal((60000, 784)) * scale @ np.linalg.qr(rng.standard_normal((784, 784)))[0] + 80


def roll(n):
    from sklearn.datasets import make_swiss_roll
    return make_swiss_roll(n, random_state=0)[0]


def pca(X, k, solver):
    from sklearn.decomposition import PCA
    return PCA(k, svd_solver=solver, random_state=0).fit(X).explained_variance_ratio_.sum()


def numpy_eigh(X, k):
    import scipy.linalg
    Z = X - X.mean(axis=0)
    p = X.shape[1]
    G = Z.T @ Z
    total = np.trace(G)
    return scipy.linalg.eigh(G, subset_by_index=(p - k, p - 1))[0].sum() / total


def isomap(X, k):
    from sklearn.manifold import Isomap
    return Isomap(n_neighbors=k, n_jobs=2).fit(X).reconstruction_error()


def lle(X, k):
    from sklearn.manifold import LocallyLinearEmbedding
    return LocallyLinearEmbedding(n_neighbors=k, n_jobs=2, random_state=0).fit(X).reconstruction_error_


def kernel_pca(X, k):
    from sklearn.decomposition import KernelPCA
    return KernelPCA(k, kernel="rbf", gamma=0.01, n_jobs=2).fit(X).eigenvalues_[0]


def mds(X, k):
    from sklearn.decomposition import PCA
    from sklearn.manifold import smacof
    from sklearn.metrics import pairwise_distances
    return smacof(pairwise_distances(X), init=PCA(2).fit_transform(X), n_init=1, max_iter=k + 1, eps=-1, n_jobs=2,
                  normalized_stress=False)[1]


def distances(n):
    from scipy.spatial.distance import pdist, squareform
    return squareform(pdist(roll(n)))


def plain(call):
    """A peer in this process."""
    return lambda X, k, path: beside.timed(lambda: call(X, k))()


def prcomp(X, k, path):
    return beside.r_script(X, path, f"""seconds <- system.time(m <- prcomp(X, rank. = {k}))[3]
cat(seconds, format(sum(m$sdev[1:{k}]^2) / sum(m$sdev^2), digits = 12))""")


def cmdscale(X, k, path):
    return beside.r_script(X, path, f"""seconds <- system.time(m <- cmdscale(X, {k}, eig = TRUE))[3]
cat(seconds, format(m$eig[1], digits = 12))""")


# Name: task of the driver, matrix, K, peers: each gives seconds and the quality.
WORKLOADS = {
    "pca": ("pca", pictures, 50, {
        "scikit-learn full": plain(lambda X, k: pca(X, k, "full")),
        "scikit-learn randomized": plain(lambda X, k: pca(X, k, "randomized")),
        "NumPy Gram + eigh": plain(numpy_eigh)}),
    "pca-r": ("pca", lambda: pictures()[:20000], 50, {"R prcomp": prcomp}),
    "classical": ("classical", lambda: distances(2000), 2, {"R cmdscale": cmdscale}),
    "isomap": ("isomap", lambda: roll(5000), 10, {"scikit-learn": plain(isomap)}),
    "lle": ("lle", lambda: roll(5000), 12, {"scikit-learn": plain(lle)}),
    "kernel-pca": ("kernel-pca", lambda: roll(5000), 2, {"scikit-learn": plain(kernel_pca)}),
    "mds": ("mds", lambda: roll(2000), 100, {"scikit-learn": plain(mds)}),
}


def run(build, name):
    task, make, k, peers = WORKLOADS[name]
    X = np.ascontiguousarray(make())
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "X")
        X.tofile(path)
        driver = [os.path.join(build, "bench", "bench_maps"), task, *map(str, X.shape), str(k), path]
        programs = {"mlkit": lambda: beside.driver(driver)}
        for peer, call in peers.items():
            programs[peer] = lambda call=call: call(X, k, path)
        beside.compare(name, programs, RUNS)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    warnings.filterwarnings("ignore")
    for workload in sys.argv[2:] or WORKLOADS:
        run(sys.argv[1], workload)
