#!/usr/bin/env python3
"""Reference values of tests/neighbors/test_knn.c (scikit-learn 1.2.1): knn.py PATH-TO/iris.csv"""
import sys

import numpy as np
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

rows = [line.strip().split(",") for line in open(sys.argv[1])][1:]
X = np.array([r[:3] for r in rows], float)
X += 0.05 * np.sin(np.arange(450).reshape(150, 3))  # no equal distances
y = np.array([r[3] for r in rows], float)
c = np.repeat([0, 1, 2], 50)
Q = np.array([[5.013, 3.127, 1.761], [6.051, 2.753, 4.857], [6.337, 2.911, 5.029], [4.419, 3.943, 2.671]])
for weights in ("uniform", "distance"):
    for p in (2, 1, 3, np.inf):
        metric = dict(metric="chebyshev") if np.isinf(p) else dict(p=p)
        k = 7
        r = KNeighborsRegressor(k, weights=weights, **metric).fit(X, y).predict(Q)
        d = np.sort(KNeighborsRegressor(k + 1, **metric).fit(X, y).kneighbors(Q)[0], axis=1)
        assert np.all(d[:, k] - d[:, k - 1] > 1e-6), (p, d)  # no tie at the last place
        s = KNeighborsClassifier(k, weights=weights, **metric).fit(X, c).predict_proba(Q)[:, 1]
        print("{MLK_KNN_%s, %s, {%s}, {%s}}," % (weights.upper(), "INFINITY" if np.isinf(p) else p,
              ", ".join("%.16g" % v for v in r), ", ".join("%.16g" % v for v in s)))
