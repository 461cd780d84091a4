#!/usr/bin/env python3
"""Reference values of tests/decomposition/test_{kernel_pca,mds,isomap,lle}.c (scikit-learn 1.2.1):
maps.py FOLDER-OF-DATASETS"""
import sys
import warnings

import numpy as np
from sklearn.decomposition import KernelPCA
from sklearn.manifold import Isomap, LocallyLinearEmbedding, trustworthiness

warnings.filterwarnings("ignore")


def roll(first, n):
    i = np.arange(first + 1.0, first + n + 1)
    u, t = i * 0.6180339887498949 % 1, 1.5 * np.pi * (1 + 2 * (i * 0.4142135623730951 % 1))
    return np.c_[t * np.cos(t), 21 * u, t * np.sin(t)]


def show(name, *values):
    print(name, *(np.asarray(v).tolist() for v in values))


def signed(A):
    """The sign rule of the maps."""
    return np.where(A[np.abs(A).argmax(axis=0), range(A.shape[1])] < 0, -1.0, 1.0)


def table(name, columns):
    return np.genfromtxt("%s/%s.csv" % (sys.argv[1], name), delimiter=",", skip_header=1)[:, :columns]


iris = table("iris", 4)
for n, options in ((300, dict(n_neighbors=8)), (1000, dict(n_neighbors=10)), (300, dict(n_neighbors=None, radius=4.0))):
    m = Isomap(**options).fit(roll(0, n))
    s = signed(m.embedding_)
    show("isomap %d %s" % (n, options), m.reconstruction_error(), m.embedding_[:2] * s, m.transform(roll(n, 2)) * s)
for method in ("standard", "modified"):
    for n, k in ((300, 12), (1000, 12)):
        m = LocallyLinearEmbedding(n_neighbors=k, method=method, eigen_solver="dense").fit(roll(0, n))
        s = signed(m.embedding_)
        show("lle %s %d %d" % (method, n, k), m.reconstruction_error_, m.embedding_[:2] * s,
             m.transform(roll(n, 2)) * s)
for kernel, options in (("linear", {}), ("rbf", dict(gamma=0.1)), ("poly", dict(gamma=0.05, degree=2, coef0=2)),
                        ("sigmoid", dict(gamma=0.01))):
    m = KernelPCA(3, kernel=kernel, fit_inverse_transform=True, alpha=0.5, eigen_solver="dense", **options).fit(iris[::2])
    s = signed(m.transform(iris[::2]))
    show("kernel-pca " + kernel, m.eigenvalues_, m.transform(iris[1:3]) * s,
         m.inverse_transform(m.transform(iris[1:3])))
m = Isomap(n_neighbors=8).fit(roll(0, 300))
for k in (1, 5, 20):
    show("trustworthiness %d" % k, trustworthiness(roll(0, 300), m.embedding_, n_neighbors=k),
         trustworthiness(m.embedding_, roll(0, 300), n_neighbors=k))
