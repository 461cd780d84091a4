#!/usr/bin/env python3
"""Reference values of tests/neighbors/test_lof.c (scikit-learn 1.2.1): lof.py"""
import numpy as np
from sklearn.neighbors import LocalOutlierFactor

i = np.arange(40)
X = np.column_stack([np.sin(1.7 * i) + 0.01 * i, np.cos(2.3 * i) * 2.0, np.sin(0.9 * i * i)])
X[7] += 3.0
Q = np.array([[0.5, 0.5, 0.0], [4.0, 0.0, 0.0], [0.0, -2.5, 1.0]])
for p, k in ((2, 5), (1, 10), (np.inf, 3)):
    metric = dict(metric="chebyshev") if np.isinf(p) else dict(p=p)
    fit = LocalOutlierFactor(k, **metric).fit(X)
    new = LocalOutlierFactor(k, novelty=True, **metric).fit(X)
    d = np.sort(np.concatenate([fit.kneighbors(n_neighbors=k + 1)[0], fit.kneighbors(Q, k + 1)[0]]), axis=1)
    assert np.all(d[:, k] - d[:, k - 1] > 1e-9)  # no tie at the last place
    print("{%s, %d, {%s}, {%s}}," % ("INFINITY" if np.isinf(p) else p, k,
          ", ".join("%.16g" % -v for v in fit.negative_outlier_factor_[:10]),
          ", ".join("%.16g" % -v for v in new.score_samples(Q))))
