#!/usr/bin/env python3
"""Reference values of tests/bayes/test_lda.c and test_qda.c (scikit-learn 1.2.1): discriminant.py"""
import numpy as np
from sklearn.covariance import ledoit_wolf
from sklearn.discriminant_analysis import (LinearDiscriminantAnalysis as LDA,
                                           QuadraticDiscriminantAnalysis as QDA)

X = np.array([[2.1, 0.4, 31], [1.3, 3.1, 28], [0.2, 2.4, 44], [4.9, 1.2, 37], [0.6, 0.3, 22], [3.3, 2.2, 19],
              [1.1, 1.7, 11], [0.4, 4.1, 25], [2.8, 3.3, 42], [3.9, 0.9, 27], [1.6, 2.9, 35], [2.2, 1.8, 14],
              [0.9, 0.7, 48], [4.4, 3.6, 23], [3.1, 2.6, 33], [1.9, 1.5, 17], [2.7, 0.1, 39], [0.8, 3.8, 21]])
y = np.array([0, 1, 2, 0, 2, 1, 0, 2, 1, 0, 1, 0, 2, 1, 1, 0, 2, 2])
Q = np.array([[1.0, 1.0, 30], [0.1, 3.0, 20], [4.0, 0.2, 12], [2.0, 2.0, 25]])


def show(name, values):
    print(name, ", ".join("%.17g" % v for v in np.ravel(values)))


for shrinkage in (None, 0.3, "auto"):
    model = LDA(solver="lsqr", shrinkage=shrinkage) if shrinkage else LDA()
    model.fit(X, y)
    show(f"lda {shrinkage} proba", model.predict_proba(Q))
    show(f"lda {shrinkage} coef", model.coef_)
    show(f"lda {shrinkage} intercept", model.intercept_)
model = LDA().fit(X, y)
show("lda ratio", model.explained_variance_ratio_)
show("lda transform (up to sign)", model.transform(Q))
show("lda priors", LDA(priors=[0.2, 0.5, 0.3]).fit(X, y).predict_proba(Q))
show("lda two classes", LDA().fit(X[y < 2], y[y < 2]).decision_function(Q))
wide = np.column_stack([X, X[:, 0] - 2 * X[:, 1], np.ones(len(X))])
show("lda collinear", LDA().fit(wide, y).predict_proba(np.column_stack([Q, Q[:, 0] - 2 * Q[:, 1], np.ones(4)])))
show("qda proba", QDA().fit(X, y).predict_proba(Q))
show("qda decision", QDA().fit(X, y).decision_function(Q))
show("qda priors", QDA(priors=[0.2, 0.5, 0.3]).fit(X, y).predict_proba(Q))


# Shrunken covariances of QDA, as newer versions of scikit-learn (solver="eigen") have them.
def qda(shrinkage):
    scores, used = [], []
    for k in range(3):
        A = X[y == k]
        if shrinkage == "auto":
            sd = A.std(axis=0)
            S, s = ledoit_wolf((A - A.mean(axis=0)) / sd)
            C = S * np.outer(sd, sd)
        else:
            C, s = np.cov(A.T, bias=True), shrinkage
            C = (1 - s) * C + s * np.trace(C) / 3 * np.eye(3)
        E = Q - A.mean(axis=0)
        scores.append(-0.5 * np.linalg.slogdet(C)[1] - 0.5 * np.einsum("ij,ij->i", E, np.linalg.solve(C, E.T).T)
                      + np.log(np.mean(y == k)))
        used.append(s)
    P = np.exp(np.array(scores).T)
    return P / P.sum(axis=1, keepdims=True), used


for shrinkage in (0.3, "auto"):
    P, used = qda(shrinkage)
    show(f"qda {shrinkage} proba", P)
    show(f"qda {shrinkage} shrinkage", used)
