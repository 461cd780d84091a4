"""Figures of GaussianMixture on datasets/iris.csv for tests/cluster/test_gmm.c: gmm.py REPOSITORY"""
import sys

import numpy as np
import sklearn
from sklearn.mixture import GaussianMixture

X = np.genfromtxt(sys.argv[1] + "/datasets/iris.csv", delimiter=",", skip_header=1, usecols=range(4))
print("scikit-learn", sklearn.__version__)
for kind in "full", "diag", "spherical":
    m = GaussianMixture(3, covariance_type=kind, tol=1e-12, max_iter=5000, n_init=10, random_state=0).fit(X)
    order = np.argsort(m.means_[:, 0])
    print(kind, "log-likelihood %.12g bic %.12g aic %.12g" % (m.score(X) * len(X), m.bic(X), m.aic(X)))
    print("  weights", m.weights_[order].tolist())
    print("  first mean", m.means_[order][0].tolist(), "last", m.means_[order][-1].tolist())
    print("  first covariance", np.ravel(m.covariances_[order][0]).tolist())
