#!/usr/bin/python3
"""Reference figures of tests/ensemble/test_gbdt.c: scikit-learn's HistGradientBoosting and XGBoost.

usage: gbdt.py DATASETS_DIR

Every fifth row is the test; fields that are no numbers are missing. 100 rounds, 31 leaves, at least
20 rows a leaf, rate 0.1.
"""
import sys

import numpy as np
import pandas as pd
import sklearn
import xgboost as xgb
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import log_loss, r2_score


def table(name, target):
    frame = pd.read_csv(f"{sys.argv[1]}/{name}")
    y = frame.pop(target)
    X = frame.apply(pd.to_numeric, errors="coerce").to_numpy(float)
    test = np.arange(len(y)) % 5 == 0
    return X[~test], y[~test], X[test], y[test]


def boosted(objective, X, y, Xt):
    params = {"tree_method": "hist", "max_leaves": 31, "max_depth": 0, "grow_policy": "lossguide",
              "max_bin": 255, "learning_rate": 0.1, "reg_lambda": 0, "min_child_weight": 1e-3,
              "objective": objective}
    return xgb.train(params, xgb.DMatrix(X, label=y), 100).predict(xgb.DMatrix(Xt))


print("scikit-learn", sklearn.__version__, "XGBoost", xgb.__version__)
X, y, Xt, yt = table("california_housing.csv", "median_house_value")
model = HistGradientBoostingRegressor(early_stopping=False).fit(X, y)
print("california_housing R2", r2_score(yt, model.predict(Xt)),
      r2_score(yt, boosted("reg:squarederror", X, y, Xt)))
X, y, Xt, yt = table("spam.csv", "type")
y, yt = (y == "spam").astype(int), (yt == "spam").astype(int)
model = HistGradientBoostingClassifier(early_stopping=False).fit(X, y)
print("spam log-loss", log_loss(yt, model.predict_proba(Xt)),
      log_loss(yt, boosted("binary:logistic", X, y, Xt)))
