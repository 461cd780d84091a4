"""Reference figures of tests/ensemble/test_adaboost.c: scikit-learn 1.2.1.

usage: adaboost.py DATASETS

SAMME on wine.csv as it is. (AdaBoost.R2 draws rows, so that no two programs agree on it.)
"""
import sys

import pandas as pd
from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier


def show(name, values):
    print(name, ", ".join(repr(float(v)) for v in values))


wine = pd.read_csv(sys.argv[1] + "/wine.csv")
X = wine.drop(columns="cultivar").to_numpy()
y = pd.factorize(wine["cultivar"])[0]
for rate, rounds in ((1.0, 6), (0.5, 8)):
    model = AdaBoostClassifier(
        DecisionTreeClassifier(max_depth=1), n_estimators=rounds, learning_rate=rate,
        algorithm="SAMME", random_state=0).fit(X, y)
    show("SAMME errors", model.estimator_errors_)
    show("SAMME weights", model.estimator_weights_)
    show("SAMME decision of row 100", model.decision_function(X[100:101])[0])
    show("SAMME probabilities of row 100", model.predict_proba(X[100:101])[0])
    print("SAMME training accuracy", repr(model.score(X, y)))
