#!/usr/bin/env python3
"""Reference values of tests/bayes/test_naive_bayes.c (scikit-learn 1.2.1): naive_bayes.py"""
import numpy as np
from sklearn.naive_bayes import (BernoulliNB, CategoricalNB, ComplementNB, GaussianNB,
                                 MultinomialNB)

X = np.array([[2, 0, 1], [1, 3, 0], [0, 2, 4], [5, 1, 0], [0, 0, 2], [3, 2, 1], [1, 1, 1], [0, 4, 2]], float)
y = np.array([0, 1, 2, 0, 2, 1, 0, 2])
w = np.array([1, 2, 0.5, 1, 3, 1, 0.25, 1])
Q = np.array([[1, 1, 0], [0, 3, 2], [4, 0, 1]], float)
for name, model in (("GAUSSIAN", GaussianNB(var_smoothing=0.01)), ("MULTINOMIAL", MultinomialNB(alpha=0.5)),
                    ("BERNOULLI", BernoulliNB(alpha=0.5)), ("COMPLEMENT", ComplementNB(alpha=0.5)),
                    ("CATEGORICAL", CategoricalNB(alpha=0.5))):
    # The largest variance of GaussianNB ignores weights; ours does not, hence none for it.
    model.fit(X, y, None if name == "GAUSSIAN" else w)
    rows = ", ".join("{%s}" % ", ".join("%.17g" % v for v in row) for row in model.predict_proba(Q))
    print("{MLK_NAIVE_BAYES_%s, {%s}}," % (name, rows))
