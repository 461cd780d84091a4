"""Reference figures of tests/ensemble/test_stacking.c: scikit-learn 1.2.1, folds of one row.

usage: stacking.py DATASETS
"""
import sys

import pandas as pd
from sklearn.ensemble import StackingClassifier, StackingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import LeaveOneOut
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


def show(name, values):
    print(name, ", ".join(repr(float(v)) for v in values))


diabetes = pd.read_csv(sys.argv[1] + "/diabetes.csv").to_numpy()
X, y = diabetes[:, :10], diabetes[:, 10]
model = StackingRegressor(
    [("ridge", Ridge(100)), ("tree", DecisionTreeRegressor(max_depth=2, random_state=0))],
    Ridge(), cv=LeaveOneOut()).fit(X, y)
show("diabetes coef", model.final_estimator_.coef_)
show("diabetes intercept", [model.final_estimator_.intercept_])
show("diabetes predictions", model.predict(X[:5]))

wine = pd.read_csv(sys.argv[1] + "/wine.csv")
X, y = wine.drop(columns="cultivar").to_numpy(), pd.factorize(wine["cultivar"])[0]
for n in (178, 130):
    model = StackingClassifier(
        [("bayes", GaussianNB()), ("tree", DecisionTreeClassifier(max_depth=1, random_state=0))],
        LogisticRegression(solver="newton-cg", tol=1e-12, max_iter=10000), cv=LeaveOneOut()).fit(X[:n], y[:n])
    show("wine coef", model.final_estimator_.coef_.ravel())
    show("wine probabilities", model.predict_proba(X[73:74]).ravel())
