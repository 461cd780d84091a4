"""Coefficients of logistic regression at tightened tolerance, for tests/linear/test_logistic.c.

    python3 tests/reference/logistic.py > tests/reference/logistic.txt

Run with scikit-learn 1.2.1 (Debian 12). A line a case: data, preparation of X (raw; unit: each
column to mean 0 and variance 1; 16th: divided by 16), penalty, C, multi_class, class_weight,
weights (ones; cycle: 1, 2, 3, 1, ...), penalize_intercept, the number of rows and columns of the
coefficients (intercept last), and these.
"""
import warnings

import numpy as np
from sklearn import datasets
from sklearn.linear_model import LogisticRegression

warnings.filterwarnings("error")

CASES = [
    ("breast_cancer", "unit", "l2", 1, "multinomial", "none", "ones", 0, "newton-cg"),
    ("breast_cancer", "unit", "l2", 100, "multinomial", "balanced", "ones", 0, "newton-cg"),
    ("breast_cancer", "unit", "l1", 0.5, "multinomial", "none", "ones", 0, "saga"),
    ("breast_cancer", "unit", "elasticnet", 0.5, "multinomial", "none", "cycle", 0, "saga"),
    ("breast_cancer", "unit", "l2", 1, "multinomial", "none", "ones", 1, "liblinear"),
    ("iris", "raw", "l2", 1, "multinomial", "none", "ones", 0, "newton-cg"),
    ("iris", "unit", "elasticnet", 1, "multinomial", "none", "ones", 0, "saga"),
    ("wine", "unit", "l2", 10, "multinomial", "none", "cycle", 0, "newton-cg"),
    ("wine", "unit", "l2", 1, "ovr", "balanced", "ones", 0, "newton-cg"),
    ("wine", "unit", "l1", 1, "multinomial", "none", "ones", 0, "saga"),
    ("wine", "unit", "l1", 1, "ovr", "none", "ones", 1, "liblinear"),
    ("digits", "16th", "l2", 1, "multinomial", "none", "ones", 0, "newton-cg"),
]


def prepared(X, how):
    if how == "unit":
        return (X - X.mean(0)) / X.std(0)
    return X / 16 if how == "16th" else X


for data, how, penalty, C, multi, weight, cycle, pen_b, solver in CASES:
    table = getattr(datasets, "load_" + data)()
    X, y = prepared(table.data, how), table.target
    if data == "breast_cancer":
        y = 1 - y  # classes in the order of their names: benign, malignant
    s = 1.0 + np.arange(len(y)) % 3 if cycle == "cycle" else None
    model = LogisticRegression(
        penalty=None if penalty == "none" else penalty, C=C, solver=solver,
        l1_ratio=0.5 if penalty == "elasticnet" else None,
        multi_class="ovr" if multi == "ovr" or y.max() == 1 else "multinomial",
        class_weight=None if weight == "none" else weight, tol=1e-12 if solver == "liblinear" else 1e-10, max_iter=20000)
    try:
        model.fit(X, y, s)
    except Warning as w:  # a line search at the end of the digits
        warnings.simplefilter("ignore")
        model.fit(X, y, s)
        warnings.simplefilter("error")
    coef = np.hstack([model.coef_, model.intercept_[:, None]])
    print(data, how, penalty, C, multi, weight, cycle, pen_b, *coef.shape,
          *("%.10g" % v for v in coef.ravel()))
