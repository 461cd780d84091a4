"""Reference weights for tests/linear/test_lasso.c and test_elastic_net.c.

    python3 tests/reference/lasso.py FOLDER_OF_DATASETS

prints, as C initialisers, the weights and intercept of scikit-learn's Lasso and ElasticNet at
tol = 1e-15 on the diabetes and prostate tables (sample weights, where used: 1 + i mod 3).
Run with scikit-learn 1.2.1; the numbers in the tests are its output.
"""
import csv
import sys

import numpy as np
import sklearn
from sklearn.linear_model import ElasticNet, Lasso

TABLES = {"diabetes": ("progression", []), "prostate": ("lpsa", ["train"])}
CASES = [  # table, alpha, l1_ratio, options, weighted
    ("diabetes", 0.5, 1.0, {}, False),
    ("diabetes", 0.05, 1.0, {}, True),
    ("diabetes", 1.0, 1.0, {"positive": True}, False),
    ("diabetes", 0.5, 1.0, {"fit_intercept": False}, False),
    ("prostate", 0.1, 1.0, {}, False),
    ("prostate", 0.001, 1.0, {}, True),
    ("diabetes", 0.5, 0.5, {}, False),
    ("diabetes", 0.1, 0.9, {"positive": True}, True),
    ("prostate", 0.1, 0.3, {}, False),
    ("prostate", 1.0, 0.05, {"fit_intercept": False}, True),
]


def read(folder, name):
    target, ignored = TABLES[name]
    with open(f"{folder}/{name}.csv", newline="") as f:
        rows = list(csv.DictReader(f))
    names = [c for c in rows[0] if c != target and c not in ignored]
    X = np.array([[float(r[c]) for c in names] for r in rows])
    return X, np.array([float(r[target]) for r in rows])


print(f"/* scikit-learn {sklearn.__version__} */")
for name, alpha, ratio, options, weighted in CASES:
    X, y = read(sys.argv[1], name)
    common = dict(alpha=alpha, tol=1e-15, max_iter=10**7, **options)
    model = Lasso(**common) if ratio == 1.0 else ElasticNet(l1_ratio=ratio, **common)
    model.fit(X, y, sample_weight=1.0 + np.arange(len(y)) % 3 if weighted else None)
    numbers = ", ".join("%.15g" % v for v in [*model.coef_, model.intercept_])
    print(name, alpha, ratio, options, "weighted" if weighted else "")
    print("   {" + numbers + "}")
