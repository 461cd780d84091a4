"""Reference figures of tests/ensemble/test_isolation_forest.c: scikit-learn 1.2.1.

usage: isolation_forest.py DATASETS

Wine's first class with ten rows of the third. All rows in every tree, so that only the cuts are
random; the mean over 20,000 trees.
"""
import sys

import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

X = pd.read_csv(sys.argv[1] + "/wine.csv").drop(columns="cultivar").to_numpy()
X = np.vstack([X[:59], X[130:140]])
model = IsolationForest(n_estimators=20000, max_samples=1.0, random_state=1, n_jobs=2).fit(X)
print("scores", ", ".join(f"{-v:.5f}" for v in model.score_samples(X[::8])))
for seed in range(5):
    model = IsolationForest(random_state=seed).fit(X)
    print("AUC", roc_auc_score(np.arange(69) >= 59, -model.score_samples(X)))
