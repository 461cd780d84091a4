#!/usr/bin/env python3
"""Reference values of tests/linear/test_ridge.c (scikit-learn 1.2.1): ridge.py PATH-TO/mtcars.csv"""
import sys

import numpy as np
from sklearn.linear_model import Ridge, RidgeCV

rows = [line.strip().split(",")[1:] for line in open(sys.argv[1])][1:]
table = np.array(rows, float)  # mpg cyl disp hp drat wt qsec vs am gear carb
X, y, w = table[:, [5, 3, 6, 2]], table[:, 0], table[:, 10]
np.set_printoptions(precision=17)
for weights in (None, w):
    for alpha in (0.5, 30.0):
        m = Ridge(alpha=alpha, solver="svd").fit(X, y, weights)
        print(weights is not None, alpha, m.coef_.tolist(), m.intercept_)
m = RidgeCV(alphas=(0.5, 30.0), store_cv_values=True).fit(X, y)
print((m.cv_values_.mean(axis=0)).tolist())
