#!/usr/bin/env python3
"""Reference values of tests/decomposition/test_pca.c (scikit-learn 1.2.1): pca.py FOLDER-OF-DATASETS"""
import sys

import numpy as np
from sklearn.decomposition import PCA

for name, columns in (("iris", 4), ("wine", 13), ("breast_cancer", 30), ("digits", 64)):
    X = np.genfromtxt("%s/%s.csv" % (sys.argv[1], name), delimiter=",", skip_header=1)[:, :columns]
    m = PCA("mle", svd_solver="full").fit(X)
    print("{\"%s\", %d, %d}," % (name, columns, m.n_components_))
    if name == "iris":
        w = PCA(3, whiten=True).fit(X)
        print(w.components_.tolist(), w.explained_variance_.tolist(), w.transform(X[:2]).tolist())
